# The quickstart in a container:
#   docker build -t ws_keras . && docker run --rm -v "$PWD/runs:/runs" ws_keras
FROM python:3.12-slim

WORKDIR /opt/ws_keras
COPY . .
RUN pip install --no-cache-dir -r .github/requirements.lock \
    && pip install --no-cache-dir --no-deps .

WORKDIR /runs
ENTRYPOINT []
CMD ["ws-run", "--config=quickstart", "--workdir=/runs/quickstart"]
