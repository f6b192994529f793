"""Why a document says what it says: the facts each line rests on, as they stood when it was issued."""
