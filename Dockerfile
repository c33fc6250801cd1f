# Signalbox from source: the console, then the binary that carries it, then what runs it.
FROM node:20-bookworm-slim AS console
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci
COPY docs/contracts /src/docs/contracts
COPY web ./
RUN npm run build

FROM rust:1.95-bookworm AS binary
WORKDIR /src
COPY . .
COPY --from=console /src/web/dist web/dist
# A release without its console is an error, not a placeholder.
RUN SIGNALBOX_WEB_REQUIRE=1 cargo build --locked --workspace --release --bin signalbox

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data signalbox && install -d -o signalbox -g signalbox -m 0700 /data
COPY --from=binary /src/target/release/signalbox /usr/local/bin/signalbox
USER 10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["curl", "-fsS", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["signalbox"]
CMD ["serve", "--data-dir", "/data", "--listen", "0.0.0.0:8080"]
