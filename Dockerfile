# Build: one program with its libraries, and beside it the packages that it is made of, with their licences.
FROM node:24-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY scripts/clean.mjs scripts/build.ts scripts/
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-trixie-slim
LABEL org.opencontainers.image.title="yaim" \
      org.opencontainers.image.description="Healthy database hosts share a pool of virtual IP addresses through etcd" \
      org.opencontainers.image.documentation="/opt/yaim/README.md" \
      org.opencontainers.image.licenses="MIT"
# yaim sets and announces addresses by itself; ip, arping and ndptool (neighbour advertisements) are for the operator who looks in.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends iproute2 iputils-arping libndp-tools \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log
WORKDIR /opt/yaim
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE README.md ./
RUN ln -s /opt/yaim/dist/main.js /usr/local/bin/yaim && chmod +x dist/main.js
# The next container takes addresses over when this directory is the host's: --volume /run/yaim:/run/yaim
VOLUME /run/yaim
WORKDIR /etc/yaim
# Whether the agent's event loop answers, by the socket by which it locks out a second one: needs no port.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["node", "/opt/yaim/dist/healthcheck.js"]
STOPSIGNAL SIGTERM
# Exec form: signals reach the agent itself.
ENTRYPOINT ["node", "/opt/yaim/dist/main.js"]
