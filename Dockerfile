# syntax=docker/dockerfile:1
# Streamfold in an image: `streamfold serve` by default, any other command as an argument.
#
#   docker build -t streamfold .
#   docker run --rm -p 127.0.0.1:3000:3000 -e STREAMFOLD_REDIS_URL=redis://host:6379 streamfold

FROM node:24.14.1-bookworm-slim AS build
WORKDIR /build
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml tsconfig.json ./
COPY packages packages
# Only the command and its dependencies: packages as published, production dependencies, no build tools.
RUN --mount=type=cache,target=/pnpm-store \
    npx --yes pnpm@10.34.9 install --frozen-lockfile --store-dir /pnpm-store \
 && npx tsc -b packages/cli \
 && npx pnpm@10.34.9 --filter streamfold deploy --prod --legacy --store-dir /pnpm-store /streamfold

FROM node:24.14.1-alpine3.22
LABEL org.opencontainers.image.title=streamfold \
      org.opencontainers.image.description="Event-sourced metrics over Redis Streams" \
      org.opencontainers.image.licenses=Apache-2.0
ENV NODE_ENV=production \
    STREAMFOLD_HOST=0.0.0.0 \
    STREAMFOLD_PORT=3000
COPY --from=build /streamfold /streamfold
RUN ln -s /streamfold/bin/streamfold.js /usr/local/bin/streamfold
USER node
WORKDIR /streamfold
EXPOSE 3000
# Checks that the process is alive. Use /readyz to check whether it is ready.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.STREAMFOLD_PORT + '/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# No shell and no init: node is process 1, and shuts down cleanly on SIGTERM.
ENTRYPOINT ["node", "/streamfold/bin/streamfold.js"]
CMD ["serve"]
