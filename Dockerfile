# The app with the bundled model, without torch:
#   docker build -t sam2ov .
#   docker run -p 127.0.0.1:7860:7860 -v sam2ov-cache:/cache -v sam2ov-projects:/projects sam2ov
# It prints the link with the access token (SAM2OV_TOKEN sets one, SAM2OV_NO_AUTH=1 asks for none).
# Models converted elsewhere go into the volume, or are mounted and named by their folder.
FROM python:3.12-slim

RUN useradd --create-home sam2ov && install --directory --owner=sam2ov --group=sam2ov /cache /projects

COPY pyproject.toml README.md LICENSE /src/
COPY sam2ov /src/sam2ov
COPY convert /src/convert
RUN pip install --no-cache-dir /src && rm -r /src

ENV SAM2OV_CACHE=/cache SAM2OV_PROJECTS=/projects PYTHONUNBUFFERED=1
VOLUME /cache /projects
EXPOSE 7860
USER sam2ov
WORKDIR /home/sam2ov

# The first start compiles the networks, which takes a while on slow machines.
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/health', timeout=4)"]

CMD ["sam2ov", "app", "--host", "0.0.0.0", "--port", "7860"]
