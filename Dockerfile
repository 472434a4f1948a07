FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/setup scripts/
RUN scripts/setup --run
COPY . .
RUN cmake --preset release -DTAILGATE_BENCH=OFF \
 && cmake --build --preset release --target tailgate \
 && strip build/release/tailgate

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates librdkafka1 libnghttp2-14 libhiredis0.14 libssl3 libspdlog1.10 \
      libprometheus-cpp-core1.0 libtomlplusplus3 zlib1g libzstd1 libjemalloc2 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin tailgate
COPY --from=build /src/build/release/tailgate /usr/local/bin/tailgate
USER 10001
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["tailgate"]
# Inside a container, loopback reaches nobody. No variables: they would win over the file of who runs `serve`.
CMD ["demo", "--listen", "0.0.0.0:8080", "--admin", "0.0.0.0:8081"]
