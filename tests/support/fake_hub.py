"""The client of the Hugging Face Hub, as far as Keras and we use it."""

import shutil
import sys
import types

import keras  # noqa: F401  (its module is changed)


def put(folder, monkeypatch):
    """Put a folder in the place of the hub."""

    def folder_of(repo_id):
        return folder / repo_id

    def upload_file(*, repo_id, path_or_fileobj, path_in_repo):
        shutil.copy(path_or_fileobj, folder_of(repo_id) / path_in_repo)

    class HfApi:
        def __init__(self, library_name, library_version):
            assert library_name == "keras"

        def create_repo(self, repo_id, exist_ok):
            folder_of(repo_id).mkdir(parents=True, exist_ok=exist_ok)
            return types.SimpleNamespace(repo_id=repo_id)

        def upload_folder(self, *, repo_id, folder_path, commit_message):
            shutil.copytree(folder_path, folder_of(repo_id), dirs_exist_ok=True)

    client = types.ModuleType("huggingface_hub")
    client.HfApi = HfApi
    client.upload_file = upload_file
    client.snapshot_download = lambda *, repo_id, **_: str(folder_of(repo_id))
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    monkeypatch.setattr(
        sys.modules["keras.src.saving.saving_lib"], "huggingface_hub", client
    )
