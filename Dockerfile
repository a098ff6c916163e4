# Streammedic on Debian 12: built in one stage, run in another without compiler, shell history or root.
#   docker build -t streammedic --build-arg REVISION=$(git describe --always --dirty) .
#   docker run -p 127.0.0.1:9469:9469 -v ./etc:/etc/streammedic:ro -v streammedic:/var/lib/streammedic streammedic
# Inside a container the API must listen on all addresses to be published: api: {listen: 0.0.0.0:9469, token_file: …}.
FROM debian:12-slim AS build
WORKDIR /src
COPY tools/install_packages tools/packages.txt tools/
RUN apt-get update && tools/install_packages build package && rm -rf /var/lib/apt/lists/*
COPY . .
ARG REVISION=
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/usr -DMEDIC_REVISION="$REVISION" \
    && cmake --build build/release --target shipped \
    && cd build/release && cpack -G DEB && mv streammedic_*.deb /streammedic.deb

FROM debian:12-slim
# ca-certificates: brokers, workers and chat services behind TLS.
RUN --mount=from=build,source=/streammedic.deb,target=/streammedic.deb \
    apt-get update && apt-get install -y --no-install-recommends ca-certificates /streammedic.deb \
    && rm -rf /var/lib/apt/lists/* /usr/share/doc/streammedic
USER streammedic
VOLUME /var/lib/streammedic
EXPOSE 9469
ENTRYPOINT ["/usr/bin/medic"]
CMD ["agent", "--config", "/etc/streammedic/medic.yaml", "--policy", "/etc/streammedic/policy.yaml"]
