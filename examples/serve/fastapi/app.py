"""A FastAPI application that knows nothing of Greenroom. Its manifest has uvicorn serve it on a Unix socket."""

import os

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()
notes = {}


class Note(BaseModel):
    text: str


@app.get("/notes")
def list_notes():
    return {"pid": os.getpid(), "notes": notes}


@app.put("/notes/{title}")
def put_note(title: str, note: Note):
    notes[title] = note.text
    return {"title": title, "text": note.text}


@app.get("/notes/{title}")
def get_note(title: str):
    if title not in notes:
        raise HTTPException(status_code=404, detail="no such note")
    return {"title": title, "text": notes[title]}
