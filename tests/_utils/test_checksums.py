"""Checksums tell contents from one another."""

from keras_saliency import datasets
from keras_saliency._utils import checksums


def test_files_are_told_by_their_content(tmp_path):
    one, same, other = (tmp_path / name for name in "abc")
    one.write_bytes(b"x" * 100)
    same.write_bytes(b"x" * 100)
    other.write_bytes(b"y" * 100)
    assert checksums.of_file(one) == checksums.of_file(same)
    assert checksums.of_file(one) != checksums.of_file(other)
    before = checksums.of_file(one)
    one.write_bytes(b"z" * 101)
    assert checksums.of_file(one) != before


def test_folders_are_told_by_their_files(tmp_path):
    def folder(name, **files):
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_text(content)
        return checksums.of_file(tmp_path / name)

    assert folder("a", x="1", y="2") == folder("b", y="2", x="1")
    assert folder("c", x="1") != folder("d", x="2")
    assert folder("e", x="1") != folder("f", y="1")


def test_weights_are_told(tmp_path):
    path = tmp_path / "vgg.h5"
    path.write_bytes(b"weights")
    digest = checksums.of_file(path)
    assert checksums.of_weights(None) is None
    assert checksums.of_weights("imagenet") == "imagenet"
    assert checksums.of_weights(path) == digest
    assert checksums.of_weights((str(path), None)) == [digest, None]


def test_the_truth_is_read_once_and_again_when_it_changes(monkeypatch):
    dataset = datasets.generate(3, (24, 32))
    first = checksums.of_dataset(dataset)
    read = []
    digest = datasets.SaliencyDataset.truth_digest

    def counted(self, i):
        read.append(i)
        return digest(self, i)

    monkeypatch.setattr(datasets.SaliencyDataset, "truth_digest", counted)
    assert checksums.of_dataset(dataset) == first and not read
    seen = [first]
    dataset.default_sigma *= 2
    seen.append(checksums.of_dataset(dataset))
    dataset.first_order = 1
    seen.append(checksums.of_dataset(dataset))
    dataset.densities = [dataset.density(i) for i in range(3)]
    seen.append(checksums.of_dataset(dataset))
    assert len({found["truth"] for found in seen}) == 4 and len(read) == 9
    assert checksums.of_dataset(dataset.subset([0, 1])) != seen[-1]
