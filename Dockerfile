# The program and nothing else: no shell, no package manager, no certificate store (the
# roots are in the program). It needs no time zone data, since all times are UTC.
FROM golang:1.26.8-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
ARG TARGETOS TARGETARCH
RUN GOOS=$TARGETOS GOARCH=$TARGETARCH deploy/build "$VERSION" /out/rekey && mkdir /out/keys

FROM scratch
ARG VERSION=devel
LABEL org.opencontainers.image.title="rekey" \
	org.opencontainers.image.description="Durable password resets on Temporal" \
	org.opencontainers.image.source="https://github.com/rekeyhq/rekey" \
	org.opencontainers.image.documentation="https://github.com/rekeyhq/rekey/tree/main/docs" \
	org.opencontainers.image.licenses="Apache-2.0" \
	org.opencontainers.image.version="$VERSION"
COPY --from=build /out/rekey /rekey
# A volume that is mounted here for the first time takes its owner from this folder.
COPY --from=build --chown=65532:65532 /out/keys /keys
USER 65532:65532
ENTRYPOINT ["/rekey"]
