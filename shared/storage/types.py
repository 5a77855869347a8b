"""Motor's types, as the stores name them."""

from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)

from shared.storage.versions import Document

Client = AsyncIOMotorClient[Document]
MongoDatabase = AsyncIOMotorDatabase[Document]
MongoCollection = AsyncIOMotorCollection[Document]
Session = AsyncIOMotorClientSession
