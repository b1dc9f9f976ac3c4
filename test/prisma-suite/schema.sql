CREATE TYPE "role" AS ENUM ('USER', 'admin');

CREATE TABLE "User" (
  "id" SERIAL PRIMARY KEY,
  "email" TEXT NOT NULL,
  "name" TEXT,
  "role" "role" NOT NULL DEFAULT 'USER',
  "score" INTEGER NOT NULL DEFAULT 0,
  "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "score_is_sane" CHECK ("score" < 1000000)
);
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");

CREATE TABLE "Profile" (
  "id" SERIAL PRIMARY KEY,
  "bio" TEXT NOT NULL,
  "userId" INTEGER NOT NULL CONSTRAINT "Profile_userId_fkey" REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "Profile_userId_key" ON "Profile"("userId");

CREATE TABLE "Post" (
  "id" SERIAL PRIMARY KEY,
  "title" VARCHAR(40) NOT NULL,
  "published" BOOLEAN NOT NULL DEFAULT false,
  "views" INTEGER NOT NULL DEFAULT 0,
  "authorId" INTEGER CONSTRAINT "Post_authorId_fkey" REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE
);

CREATE TABLE "Category" ("id" SERIAL PRIMARY KEY, "name" TEXT NOT NULL);
CREATE UNIQUE INDEX "Category_name_key" ON "Category"("name");

CREATE TABLE "_CategoryToPost" (
  "A" INTEGER NOT NULL REFERENCES "Category"("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "B" INTEGER NOT NULL REFERENCES "Post"("id") ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "_CategoryToPost_AB_pkey" PRIMARY KEY ("A", "B")
);
CREATE INDEX "_CategoryToPost_B_index" ON "_CategoryToPost"("B");

CREATE TABLE "Team" ("id" UUID PRIMARY KEY, "name" TEXT NOT NULL);
CREATE UNIQUE INDEX "Team_name_key" ON "Team"("name");

CREATE TABLE "Membership" (
  "teamId" UUID NOT NULL REFERENCES "Team"("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "userId" INTEGER NOT NULL REFERENCES "User"("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "since" DATE NOT NULL,
  PRIMARY KEY ("teamId", "userId")
);

CREATE TABLE "Badge" (
  "id" SERIAL PRIMARY KEY,
  "label" TEXT NOT NULL,
  "teamId" UUID,
  "userId" INTEGER,
  FOREIGN KEY ("teamId", "userId") REFERENCES "Membership"("teamId", "userId") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE "Everything" (
  "id" INTEGER PRIMARY KEY,
  "text" TEXT,
  "varchar" VARCHAR(20),
  "char" CHAR(5),
  "bool" BOOLEAN,
  "int" INTEGER,
  "smallint" SMALLINT,
  "oid" OID,
  "bigint" BIGINT,
  "float" DOUBLE PRECISION,
  "real" REAL,
  "decimal" DECIMAL(65,30),
  "numeric" DECIMAL(20,6),
  "money" MONEY,
  "timestamp" TIMESTAMP(6),
  "timestamptz" TIMESTAMPTZ(6),
  "date" DATE,
  "time" TIME(6),
  "timetz" TIMETZ(6),
  "json" JSON,
  "jsonb" JSONB,
  "bytes" BYTEA,
  "uuid" UUID,
  "xml" XML,
  "inet" INET,
  "bit" BIT(4),
  "varbit" VARBIT(8),
  "role" "role",
  "texts" TEXT[],
  "bools" BOOLEAN[],
  "ints" INTEGER[],
  "bigints" BIGINT[],
  "floats" DOUBLE PRECISION[],
  "decimals" DECIMAL(65,30)[],
  "timestamps" TIMESTAMP(6)[],
  "timestamptzs" TIMESTAMPTZ(6)[],
  "dates" DATE[],
  "times" TIME(6)[],
  "jsons" JSONB[],
  "bytess" BYTEA[],
  "uuids" UUID[],
  "roles" "role"[]
);
