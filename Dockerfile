# Scripts and styles: node is needed to build them, not to run the product.
FROM node:22-slim AS frontend
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY frontend ./
RUN npm run build

# The locked packages, in a virtual environment of their own.
FROM python:3.12-slim AS packages
COPY scripts/requirements-uv.lock requirements.lock /src/
RUN pip install --no-cache-dir --require-hashes -r /src/requirements-uv.lock \
    && uv venv /venv \
    && VIRTUAL_ENV=/venv uv pip sync --no-cache --compile-bytecode --require-hashes /src/requirements.lock

FROM python:3.12-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin fieldservice \
    && install -d -o fieldservice -g fieldservice /data
COPY --from=packages /venv /venv
WORKDIR /app
COPY pyproject.toml ./
COPY scheduler scheduler
COPY templates templates
COPY migrations migrations
COPY fieldservice fieldservice
COPY --from=frontend /src/fieldservice/static/vendor fieldservice/static/vendor
RUN /venv/bin/python -m compileall -q fieldservice scheduler
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    FIELDSERVICE_DATA_DIR=/data \
    FIELDSERVICE_HOST=0.0.0.0
USER fieldservice
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["python", "-m", "fieldservice.cli"]
CMD ["run"]
