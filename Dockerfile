# Two images of the same sources.
#
#   docker compose up proof      what `npm start` runs: storms, a killed server, every sale recounted from disk
#   docker compose up compare    the comparison with Redis, PostgreSQL, MariaDB, SQLite and LMDB
#
# `compose.yaml` holds both to 2 processors and 4 GB. What they write is in a volume:
#
#   docker compose cp proof:/results ./results

FROM node:26.10.0-bookworm-slim AS sources
WORKDIR /k-lani
COPY package.json package-lock.json .npmrc ./
COPY packages packages
RUN mkdir /results && chown node:node /results

FROM sources AS proof
RUN npm ci --omit=dev
USER node
VOLUME /results
ENTRYPOINT ["node", "packages/cli/bin/k-lani.js"]
CMD ["demo", "--dir", "/results/proof"]

FROM sources AS compare
RUN apt-get update \
    && apt-get install -y --no-install-recommends redis-server postgresql mariadb-server \
    && rm -rf /var/lib/apt/lists/*
RUN npm ci
USER node
VOLUME /results
ENTRYPOINT ["npm", "run", "bench:compare", "--"]
CMD ["--write", "/results/compare", "--log", "/results/compare.ndjson", "--data", "/results/data"]
