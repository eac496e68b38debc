"""What every answer tells the browser: which code may run, who may frame it, what it may guess."""

from typing import Final

_POLICY: Final = {
    "default-src": "'self'",
    # Gradio's page carries its configuration in a script and builds handlers from text.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self'",
}

SECURITY_HEADERS: Final = {
    "content-security-policy": "; ".join(f"{key} {value}" for key, value in _POLICY.items()),
    "x-frame-options": "SAMEORIGIN",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
