"""The odd clips."""

from typing import Final

from tools.odd_clips.making import Fact, OddClip, Pixel

_SECONDS: Final = 1
_DISC: Final = (255, 211, 0)
_YELLOW: Final = ("255", "211", "0")


def _bars(size: str, rate: int = 25, seconds: float = _SECONDS) -> tuple[str, ...]:
    """Something that moves."""
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}")


def _drawn(size: str, rgb: tuple[str, str, str], alpha: str = "255") -> tuple[str, ...]:
    """A picture by formulas of X and Y."""
    red, green, blue = rgb
    formulas = f"r='{red}':g='{green}':b='{blue}':a='{alpha}'".replace(",", r"\,")
    source = f"color=s={size}:r=25:d={_SECONDS},format=rgba,geq={formulas}"
    return ("-f", "lavfi", "-i", source)


def _disc(size: str, inside: tuple[int, int, int], outside: int, alpha: str) -> tuple[str, ...]:
    is_in = "lt(hypot(X-W/2,Y-H/2),H/4)"
    red, green, blue = (f"if({is_in},{value},{outside})" for value in inside)
    return _drawn(size, (red, green, blue), alpha)


# ---- Pixels that are not square

_WIDE: Final[dict[str, Fact]] = {
    "width": 720,
    "height": 576,
    "pixel_aspect": "64/45",
    "display_width": 1024,
    "field_order": "progressive",
}
_DV: Final = ("-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-aspect", "16:9", "-r", "25")


def _wide(file: str, *codec: str) -> OddClip:
    arguments = (*_bars("720x576"), "-vf", "setsar=64/45", *codec)
    return OddClip(file, "pixels are wider than they are high", arguments, _WIDE)


_ANAMORPHIC: Final = (
    _wide("wide-h264.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p"),
    _wide("wide-h264-mkv.mkv", "-c:v", "libx264", "-pix_fmt", "yuv420p"),
    _wide("wide-mpeg2.ts", "-c:v", "mpeg2video", "-q:v", "2"),
    _wide("wide-vp9.webm", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime"),
    _wide("wide-ffv1.mkv", "-c:v", "ffv1"),
    _wide("wide-prores.mov", "-c:v", "prores_ks"),
    _wide("wide-dv.dv", *_DV),
    OddClip(
        "hdv.mp4",
        "1440 columns for 1920",
        (*_bars("1440x1080"), "-vf", "setsar=4/3", "-c:v", "libx264", "-pix_fmt", "yuv420p"),
        {"width": 1440, "height": 1080, "pixel_aspect": "4/3", "display_width": 1920},
    ),
    OddClip(
        "narrow.mp4",
        "pixels are higher than they are wide",
        (*_bars("720x480"), "-vf", "setsar=8/9", "-c:v", "libx264", "-pix_fmt", "yuv420p"),
        {"pixel_aspect": "8/9", "display_width": 640},
    ),
)

# ---- Two fields in a picture

_FIELDS: Final = ("-flags", "+ildct+ilme")
_TFF: Final = "tinterlace=mode=interleave_top,setfield=tff"
_BFF: Final = "tinterlace=mode=interleave_bottom,setfield=bff"
_H264: Final = ("-c:v", "libx264", "-pix_fmt", "yuv420p", *_FIELDS)


def _interlaced(
    file: str, fields: str, *codec: str, size: str = "720x576", flagged: bool = True
) -> OddClip:
    order = "bff" if fields == _BFF else "tff"
    facts: dict[str, Fact] = {
        "field_order": order,
        "flagged_interlaced": flagged,
        "deinterlaced": True,
        "frames": 25,
    }
    arguments = (*_bars(size, rate=50), "-vf", fields, *codec)
    return OddClip(file, f"two fields a picture ({order})", arguments, facts, combed=True)


def _flagged(file: str, *codec: str) -> OddClip:
    facts: dict[str, Fact] = {
        "field_order": "progressive",
        "flagged_interlaced": True,
        "deinterlaced": False,
        "frames": 25,
    }
    arguments = (*_bars("720x576"), "-vf", "setfield=tff", *codec)
    return OddClip(file, "says that it has two fields a picture, and has one", arguments, facts)


_INTERLACED: Final = (
    _interlaced("fields-mpeg2.ts", _TFF, "-c:v", "mpeg2video", "-q:v", "2", *_FIELDS),
    _interlaced("fields-mpeg2-bff.ts", _BFF, "-c:v", "mpeg2video", "-q:v", "2", *_FIELDS),
    _interlaced("fields-mpeg2-ps.mpg", _TFF, "-c:v", "mpeg2video", "-b:v", "6M", *_FIELDS),
    _interlaced("fields-h264-ts.ts", _TFF, *_H264),
    _interlaced("fields-h264-mkv.mkv", _TFF, *_H264),
    _interlaced("fields-h264.mp4", _TFF, *_H264),
    _interlaced("fields-1080.mp4", _TFF, *_H264, size="1920x1080"),
    _interlaced("fields-dv.dv", _BFF, *_DV),
    _interlaced(
        "fields-unsaid.mp4",
        "tinterlace=mode=interleave_top,setfield=prog",
        *("-c:v", "libx264", "-pix_fmt", "yuv420p"),
        flagged=False,
    ),
    _flagged("flagged-mpeg2.ts", "-c:v", "mpeg2video", "-q:v", "2", *_FIELDS),
    _flagged("flagged-h264.mp4", *_H264),
    _flagged("flagged-dv.dv", *_DV),
)

# ---- HDR


def _hdr(file: str, kind: str, transfer: str) -> OddClip:
    tags = f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    to_hdr = (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=gbr:range=pc,format=gbrp,"
        "zscale=t=linear:npl=203,format=gbrpf32le,"
        f"zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
    )
    named = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    return OddClip(
        file,
        f"HDR ({kind}), 10 bits, BT.2020, reference white at 203 cd/m²",
        (
            *_disc("640x360", _DISC, 64, "255"),
            *("-vf", to_hdr, "-c:v", "libx265", "-x265-params", f"log-level=none:{tags}"),
            *named,
        ),
        {"hdr": kind, "bits": 10, "primaries": 9},
        (Pixel(320, 180, _DISC, tolerance=25), Pixel(8, 8, (64, 64, 64), tolerance=12)),
    )


_HDR: Final = (
    _hdr("hdr-hlg.mp4", "HLG", "arib-std-b67"),
    _hdr("hdr-pq.mp4", "PQ", "smpte2084"),
)

# ---- Alpha

_HIDDEN: Final = "if(lt(X,W/4),0,if(lt(X,W/2),128,255))"
"""A quarter is transparent, a quarter half so; the colour is there all the same."""


def _transparent(file: str, *codec: str, tolerance: int = 4) -> OddClip:
    half = (128, 106, 0)
    return OddClip(
        file,
        "transparent parts, with a colour behind them",
        (*_drawn("320x240", _YELLOW, _HIDDEN), *codec),
        {"alpha": True},
        (
            Pixel(40, 120, (0, 0, 0), 0, tolerance),
            Pixel(120, 120, half, 128, tolerance),
            Pixel(280, 120, _DISC, 255, tolerance),
        ),
    )


_WEBM: Final = ("-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-b:v", "2M")
_ALPHA: Final = (
    _transparent("alpha-prores.mov", "-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt",
                 "yuva444p10le", tolerance=6),
    _transparent("alpha-png.mov", "-c:v", "png"),
    _transparent("alpha-ffv1.mkv", "-c:v", "ffv1", "-pix_fmt", "bgra"),
    _transparent("alpha-qtrle.mov", "-c:v", "qtrle"),
    _transparent("alpha-vp9.webm", "-c:v", "libvpx-vp9", *_WEBM, tolerance=12),
    _transparent("alpha-vp8.webm", "-c:v", "libvpx", *_WEBM, tolerance=12),
    _transparent("alpha-frames/frame-%04d.png", "-c:v", "png"),
    OddClip(
        "alpha.gif",
        "transparent parts, all or nothing",
        (
            *_drawn("320x240", _YELLOW, "if(lt(X,W/2),0,255)"),
            *("-vf", "split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse"),
        ),
        {"alpha": True},
        (Pixel(40, 120, (0, 0, 0), 0), Pixel(280, 120, _DISC, 255)),
    ),
)  # fmt: skip

# ---- More than 8 bits, odd sizes, and the rest

_RAMP: Final = "geq=lum='64+mod(X,877)':cb=512:cr=512"
"""A column for each of the 877 luma codes of 10 bits."""


def _ramp(file: str, pixel_format: str, *codec: str, bits: int = 10) -> OddClip:
    source = f"color=s=960x64:r=25:d={_SECONDS},format=yuv444p10le,{_RAMP},setrange=tv"
    return OddClip(
        file,
        "10 bits, every code of luma",
        ("-f", "lavfi", "-i", source, "-pix_fmt", pixel_format, *codec),
        {"bits": bits},
    )


_LOSSLESS_HEVC: Final = ("-c:v", "libx265", "-x265-params", "log-level=none:lossless=1")
_MORE: Final = (
    _ramp("ramp-ffv1.mkv", "yuv444p10le", "-c:v", "ffv1"),
    _ramp("ramp-hevc.mp4", "yuv444p10le", *_LOSSLESS_HEVC),
    _ramp("ramp-prores.mov", "yuv444p10le", "-c:v", "prores_ks", "-profile:v", "4444", bits=12),
    OddClip(
        "odd-size.webm",
        "odd width and height",
        ("-f", "lavfi", "-i", f"testsrc=s=853x481:r=25:d={_SECONDS}", "-pix_fmt", "yuv420p",
         "-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime"),
        {"width": 853, "height": 481},
    ),
    OddClip(
        "drop-frame.mov",
        "a timecode that drops names",
        (*_bars("320x240", rate=30), "-r", "30000/1001", "-timecode", "10:00:00;00",
         "-c:v", "libx264", "-pix_fmt", "yuv420p"),
        {"timecode": "10:00:00;00", "rate": "30000/1001"},
    ),
    OddClip(
        "variable.mkv",
        "frames of uneven length",
        (*_bars("320x240"), "-vf", "select='not(mod(n,3)*mod(n,4))'", "-fps_mode", "vfr",
         "-c:v", "libx264", "-pix_fmt", "yuv420p"),
        {"variable_rate": True},
    ),
    OddClip(
        "plates/plate.%04d.png",
        "a sequence of images that begins with 1001",
        (*_bars("320x240", seconds=0.4), "-start_number", "1001"),
        {"first_number": 1001, "frames": 10, "container": "images"},
    ),
)  # fmt: skip

CLIPS: Final = {
    (clip.file.partition("/")[0] if "%" in clip.file else clip.name): clip
    for clip in (*_ANAMORPHIC, *_INTERLACED, *_HDR, *_ALPHA, *_MORE)
}
"""By name."""
