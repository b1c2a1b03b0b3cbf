"""Uploading an exported folder to the Hugging Face hub, or to what `HF_ENDPOINT` names."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import StoreError, UsageError


def require_data_set_name(name: str) -> None:
    """Refuse what is no OWNER/NAME of a data set.

    Raises:
        UsageError: It is none.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        if name.count("/") != 1:
            raise HFValidationError("it has no owner")
        validate_repo_id(name)
    except HFValidationError as error:
        raise UsageError(f"{name!r} names no data set: {error}.", "Write OWNER/NAME.") from error


def push(folder: Path, name: str, *, private: bool) -> str:
    """Upload a folder as a data set, made if there is none; its address.

    Args:
        folder: Of format `hf`.
        name: OWNER/NAME of the data set, see `require_data_set_name`.
        private: Whether one that is made is seen by its owner alone.

    Raises:
        StoreError: It cannot be uploaded; what is in the folder stays.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    api = HfApi()
    try:
        made = api.create_repo(name, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            repo_id=name, folder_path=folder, repo_type="dataset", commit_message="Export from GuideX"
        )
    except (HfHubHTTPError, LocalTokenNotFoundError, OSError) as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise StoreError(
            f"{folder} cannot be uploaded to {name}: {said}",
            "Set HF_TOKEN to a token that may write there, and check the network; the folder is whole, and "
            "can be uploaded later.",
        ) from error
    return str(made)
