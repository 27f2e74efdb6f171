# The one image of all processes: web, replay, upkeep, beat, and the step that migrates. compose.yaml starts them.
FROM python:3.12-slim AS packages
WORKDIR /opt/tapedeck
RUN python -m venv .venv
COPY requirements.txt .
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

FROM python:3.12-slim
ENV PATH=/opt/tapedeck/.venv/bin:$PATH PYTHONUNBUFFERED=1 PRODUCTION=1 VAR_DIR=/var/lib/tapedeck
RUN useradd --system --uid 10001 --home-dir /var/lib/tapedeck --create-home tapedeck
WORKDIR /opt/tapedeck
COPY --from=packages /opt/tapedeck/.venv .venv
COPY manage.py pyproject.toml ./
COPY config config
COPY web web
COPY gateway gateway
COPY broker broker
COPY streaming streaming
COPY sessions sessions
COPY marketdata marketdata
USER tapedeck
# Styles and scripts belong to the image; the key is for this command alone, which signs nothing.
RUN SECRET_KEY=unused python manage.py collectstatic --noinput --verbosity 0
EXPOSE 8000
CMD ["uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--lifespan", "off", "--timeout-keep-alive", "75", "--ws-ping-timeout", "180", "--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "3"]
