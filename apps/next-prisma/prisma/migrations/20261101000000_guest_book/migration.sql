-- CreateTable
CREATE TABLE "Entry" (
    "id" SERIAL NOT NULL,
    "name" VARCHAR(60) NOT NULL,
    "message" VARCHAR(500) NOT NULL,
    "writtenAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Entry_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Removal" (
    "id" SERIAL NOT NULL,
    "name" VARCHAR(60) NOT NULL,
    "removedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Removal_pkey" PRIMARY KEY ("id")
);
