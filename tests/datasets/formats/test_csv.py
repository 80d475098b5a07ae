import numpy as np
import pytest

from keras_saliency import datasets
from keras_saliency.datasets import generate, load_csv
from keras_saliency.datasets.formats.writing import write_image


@pytest.fixture
def root(tmp_path):
    """Three images, 30 wide and 20 high, one of them in a sub-folder."""
    source = generate(3, (20, 30), seed=0)
    for i, name in enumerate(("a.png", "b.png", "sub/c.png")):
        write_image(tmp_path / "images" / name, source.image(i))
    return tmp_path


def load(root, text, **options):
    encoding = options.get("encoding", "utf-8")
    (root / "fix.csv").write_bytes(text.encode(encoding))
    return load_csv(root / "fix.csv", root / "images", **options)


PLAIN = """image,x,y,observer,order,duration
a.png,1.5,2.5,ANNA,0,200
a.png,3,4,ANNA,1,210.5
b,5,6,BEN,0,
sub/c.png,7,8,ANNA,0,220
"""


def test_plain_columns(root):
    dataset = load(root, PLAIN)
    assert dataset.names == ("a", "b", "sub/c")
    assert dataset.name == "images"
    fixations = dataset.fixations
    assert fixations.image_index.tolist() == [0, 0, 1, 2]
    assert fixations.x.tolist() == [1.5, 3, 5, 7]
    assert fixations.y.tolist() == [2.5, 4, 6, 8]
    assert dataset.subject_names == ("ANNA", "BEN")
    assert fixations.subject.tolist() == [0, 0, 1, 0]
    assert fixations.order.tolist() == [0, 1, 0, 0]
    np.testing.assert_array_equal(
        fixations.duration, np.float32([200, 210.5, np.nan, 220])
    )
    assert dataset.density(0).max() == 1


def test_options_of_the_data_set(root):
    dataset = load(
        root,
        PLAIN,
        name="mine",
        default_sigma=3.0,
        first_order=1,
        pixels_per_degree=20.0,
    )
    assert dataset.name == "mine"
    assert dataset.sigma(0) == 3
    assert dataset.count(0) == 1  # ANNA's second
    assert dataset.pixels_per_degree == 20
    assert dataset.with_fixations().names == ("a",)


@pytest.mark.parametrize("separator", ["\t", ";", ",", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_and_encodings(root, separator, encoding):
    text = "Bild\tX\tY\tName\r\n\r\na.png\t1\t2\tÄnne\r\n"
    text = text.replace("\t", separator)
    (root / "fix.csv").write_bytes(text.encode(encoding))
    dataset = load_csv(
        root / "fix.csv",
        root / "images",
        columns={"image": "Bild", "x": "X", "y": "Y", "observer": "Name"},
        encoding="cp1252" if encoding == "cp1252" else None,
    )
    assert dataset.fixations.x.tolist() == [1]
    assert dataset.subject_names == ("Änne",)


def test_separator_that_is_named(root):
    dataset = load(root, "image x y\na 1 2\n", separator=" ")
    assert dataset.fixation_points(0)[0].tolist() == [1]


def test_quoted_cells_with_separators_and_lines(root):
    text = 'note,image,x,y\n"one, ""two""\nthree",a,1,2\nok,b,oops,3\n'
    with pytest.raises(ValueError, match=r"fix\.csv, line 4, column 'x'"):
        load(root, text)
    assert len(load(root, text.replace("oops", "3")).fixations) == 2


def test_decimal_commas(root):
    text = "image;x;y\na;1,5;2,25\n"
    dataset = load(root, text, decimal=",")
    assert dataset.fixations.x.tolist() == [1.5]
    assert dataset.fixations.y.tolist() == [2.25]
    with pytest.raises(ValueError, match="received '1,5'. .*decimal=\",\""):
        load(root, text)
    with pytest.raises(ValueError, match="received '1.5'. .*Leave out decima"):
        load(root, "image;x;y\na;1.5;2\n", decimal=",")


def test_columns_by_number_without_header(root):
    dataset = load(
        root, "7,a,1,2\n8,b,3,4\n", columns={"image": 1, "x": 2, "y": 3}
    )
    assert dataset.fixations.x.tolist() == [1, 3]
    assert dataset.subject_names is None
    with pytest.raises(ValueError, match="line 2, has 3 columns where 4 are"):
        load(root, "7,a,1,2\n8,b,3\n", columns={"image": 1, "x": 2, "y": 3})
    with pytest.raises(ValueError, match="line 1, column 2: .*received 'x'"):
        load(root, "i,a,x,y\n", columns={"image": 1, "x": 2, "y": 3})


def test_lines_before_the_header(root):
    text = "## made by a tracker\n\n## 3 columns, of x\nimage,x,y\na,1,?\n"
    with pytest.raises(ValueError, match=r"line 5, column 'y': .*'\?'"):
        load(root, text, skip_lines=3)
    with pytest.raises(ValueError, match="has no lines after the first 9"):
        load(root, text, skip_lines=9)


def test_lines_without_a_position_or_an_image_are_no_fixations(root):
    text = "image,x,y\na,1,2\na,.,.\na,NA,3\n,4,5\n-,,\nb,6,7\n"
    assert load(root, text).fixations.x.tolist() == [1, 6]


@pytest.mark.parametrize("name", ["NA", "none", "null", "-"])
def test_images_whose_name_could_mean_nothing(root, name):
    text = f"image,x,y\na,1,2\n{name},3,4\n,5,6\n"
    assert load(root, text).fixations.x.tolist() == [1]
    write_image(root / f"images/{name}.png", np.zeros((20, 30, 3), "uint8"))
    assert load(root, text).fixations.x.tolist() == [1, 3]
    (root / f"{name}.csv").write_text("x,y\n7,8\n")
    dataset = load_csv(root / f"{name}.csv", root / "images", per_file="image")
    assert dataset.count(dataset.index(name)) == 1
    (root / f"images/{name}.png").unlink()
    with pytest.raises(ValueError, match=f"there is no image '{name}'"):
        load_csv(root / f"{name}.csv", root / "images", per_file="image")


def test_order_and_several_lines_of_a_fixation(root):
    text = (
        "image,x,y,observer,order,fixation\n"
        "a,1,2,P,30,7\na,9,9,P,40,7\na,3,4,P,10,5\na,5,6,Q,20,7\na,7,8,P,20,6\n"
    )
    named = {c: c for c in text.splitlines()[0].split(",")}
    fixations = load(root, text, columns=named).fixations
    assert fixations.x.tolist() == [1, 3, 5, 7]
    assert fixations.order.tolist() == [2, 0, 0, 1]


def test_a_column_named_fixation_is_not_taken_unasked(root):
    lines = ["image,subject,fixation,x,y"]
    for image in "ab":
        for subject in range(3):
            lines += [f"{image},{subject},{k},{k},{k}" for k in range(1, 6)]
    assert len(load(root, "\n".join(lines)).fixations) == 30


@pytest.mark.parametrize(
    "ids, expected",
    [
        ("1 1 2 2 1", [0, 2, 4]),
        # A second trial that counts from 1 again.
        ("1 2 3 1 2", [0, 1, 2, 3, 4]),
        ("NA NA . . 1", [0, 1, 2, 3, 4]),
    ],
)
def test_lines_of_one_fixation_follow_each_other(root, ids, expected):
    lines = [f"a,{x},1,{id_}" for x, id_ in enumerate(ids.split())]
    dataset = load(
        root,
        "\n".join(["image,x,y,id", *lines]),
        columns={"fixation": "id"},
    )
    assert dataset.fixations.x.tolist() == expected


def test_order_is_that_of_the_lines_by_default(root):
    text = "image,x,y,observer\na,1,2,Q\na,3,4,P\na,5,6,Q\nb,7,8,Q\n"
    assert load(root, text).fixations.order.tolist() == [0, 0, 1, 0]


def test_conditions(root):
    text = (
        "image,x,y,Eye movement type\na,1,2,Fixation\na,3,4,Saccade\na,5,6,X\n"
    )
    for texts, expected in (("Fixation", [1]), (["Fixation", "X"], [1, 5])):
        dataset = load(root, text, where={"Eye movement type": texts})
        assert dataset.fixations.x.tolist() == expected
    with pytest.raises(ValueError, match="no fixation in .* where {'Eye"):
        load(root, text, where={"Eye movement type": "Blink"})
    with pytest.raises(ValueError, match="no column 'type'"):
        load(root, text, where={"type": "Fixation"})


def test_a_file_for_each_observer_or_image(root):
    for file, text in (
        ("ANNA", "image,x,y\na,1,2\n"),
        ("BEN", "image,x,y\nb,3,4\n"),
    ):
        (root / "fixations").mkdir(exist_ok=True)
        (root / "fixations" / f"{file}.tsv").write_text(text)
    dataset = load_csv(root / "fixations", root / "images", per_file="observer")
    assert dataset.subject_names == ("ANNA", "BEN")
    assert dataset.fixations.x.tolist() == [1, 3]
    (root / "b.txt").write_text("x,y,observer\n1,2,3\n")
    (root / "c.txt").write_text("x,y,observer\n3,4,10\n")
    dataset = load_csv(
        [root / "b.txt", root / "c.txt"], root / "images", per_file="image"
    )
    assert dataset.fixations.image_index.tolist() == [1, 2]
    assert dataset.fixations.subject.tolist() == [3, 10]


@pytest.mark.parametrize("name", ["A.PNG", r"C:\data\sub\c.jpg", "c", "SUB/C"])
def test_names_of_images(root, name):
    dataset = load(root, f"image,x,y\n{name},1,2\n")
    assert dataset.count(0 if name == "A.PNG" else 2) == 1


def test_unknown_and_ambiguous_images(root):
    text = "image,x,y\na,1,2\nnope.png,3,4\n"
    with pytest.raises(ValueError, match="line 3, column 'image': there is no"):
        load(root, text)
    assert len(load(root, text, skip_unknown=True).fixations) == 1
    write_image(root / "images/other/c.png", np.zeros((20, 30, 3), "uint8"))
    with pytest.raises(ValueError, match="'c' is the name of several images"):
        load(root, "image,x,y\nc,1,2\n")
    assert load(root, "image,x,y\nother/c,1,2\n").fixations.x.tolist() == [1]


# The same point of an image 30 wide and 20 high: x 6, y 5.
@pytest.mark.parametrize(
    "x, y, options",
    [
        (6, 5, {}),
        (0.2, 0.25, {"units": "normalized"}),
        (6, 15, {"origin": "bottom left"}),
        (0.2, 0.75, {"units": "normalized", "origin": "bottom left"}),
        (-9, 5, {"origin": "center"}),
        (-0.6, 0.5, {"units": "normalized", "origin": "center"}),
        # On a screen 50 wide and 60 high the image begins at (10, 20),
        (16, 25, {"screen": (60, 50)}),
        (16 / 50, 25 / 60, {"screen": (60, 50), "units": "normalized"}),
        (-9, 5, {"screen": (60, 50), "origin": "center"}),
        # or is 60 wide and 40 high and begins at (0, 10).
        (12, 20, {"screen": (60, 60), "fit": True}),
    ],
)
def test_units_and_places(root, x, y, options):
    dataset = load(root, f"image,x,y\na,{x!r},{y!r}\n", **options)
    np.testing.assert_allclose(dataset.fixations.x, 6, rtol=1e-6)
    np.testing.assert_allclose(dataset.fixations.y, 5, rtol=1e-6)


def test_positions_of_another_kind_are_seen(root):
    text = "image,x,y\na,1,2\na,400,300\nb,500,200\n"
    with pytest.raises(
        ValueError, match=r"2 of 3 fixations lie outside .*line 3: x 400, y 300"
    ):
        load(root, text)
    with pytest.raises(ValueError, match='units="normalized"'):
        load(root, "image,x,y\na,0.5,0.5\na,0.2,0.3\n")


EYELINK = """RECORDING_SESSION_LABEL\tTRIAL_INDEX\tCURRENT_FIX_X\tCURRENT_FIX_Y\
\tCURRENT_FIX_DURATION\tCURRENT_FIX_INDEX\timage
s01\t1\t6,5\t5,25\t210\t2\ta.png
s01\t1\t7\t8\t190\t1\ta.png
"""


def test_eyelink(root):
    dataset = load(
        root,
        EYELINK,
        tracker="eyelink",
        columns={"image": "image"},
        decimal=",",
    )
    assert dataset.fixations.x.tolist() == [6.5, 7]
    assert dataset.fixations.order.tolist() == [1, 0]
    assert dataset.fixations.duration.tolist() == [210, 190]
    assert dataset.subject_names == ("s01",)
    with pytest.raises(ValueError, match="does not name the column of image"):
        load(root, EYELINK, tracker="eyelink")


def test_gazepoint(root):
    text = (
        "MEDIA_ID,MEDIA_NAME,CNT,TIME(2026/11/26 09:00:00.000),FPOGX,FPOGY,"
        "FPOGS,FPOGD,FPOGID,FPOGV\n"
        "0,a,1,0.5,0.2,0.25,0.25,0.25,1,1\n"
    )
    dataset = load(root, text, tracker="gazepoint", per_file="observer")
    np.testing.assert_allclose(dataset.fixations.x, 6)
    np.testing.assert_allclose(dataset.fixations.duration, 250)
    assert dataset.subject_names == ("fix",)


def test_tobii_by_hand(root):
    text = (
        "Recording timestamp [μs]\tParticipant name\tPresented Stimulus name\t"
        "Eye movement type\tEye movement type index\t"
        "Gaze event duration [ms]\tFixation point X [MCS px]\t"
        "Fixation point Y [MCS px]\n"
        "100\tP1\ta\tFixation\t1\t180\t6\t5\n"
        "108\tP1\ta\tFixation\t1\t180\t6\t5\n"
        "116\tP1\ta\tSaccade\t1\t20\t\t\n"
        "124\tP1\ta\tFixation\t2\t200\t7\t8\n"
    )
    dataset = load(
        root,
        text,
        encoding="utf-16",
        columns={
            "image": "Presented Stimulus name",
            "x": "Fixation point X [MCS px]",
            "y": "Fixation point Y [MCS px]",
            "observer": "Participant name",
            "duration": "Gaze event duration [ms]",
            "order": "Recording timestamp [μs]",
            "fixation": "Eye movement type index",
        },
        where={"Eye movement type": "Fixation"},
    )
    assert dataset.fixations.x.tolist() == [6, 7]
    assert dataset.fixations.order.tolist() == [0, 1]
    assert dataset.fixations.duration.tolist() == [180, 200]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "fix.csv is empty"),
        ("\n\n", "has no lines"),
        ("image,x,y\n", "There is no fixation in"),
        ("image,x\na,1\n", r"line 1, has no column 'y' \(y\); its columns are"),
        ("image,x,y\na,1\n", r"line 2, has 2 columns where 3"),
        ("image,x,y\na,1,inf\n", "line 2, column 'y': expected a number"),
        ("image,x,y\na,1_0,2\n", "line 2, column 'x': .*'1_0'"),
        ('image,x,y\na,1,2\n"a,1,2\n', "line 3, cannot be read"),
        ("image,x,y,observer\na,1,2,\n", "'observer': no observer is named"),
        ("image,x,y,duration\na,1,2,long\n", "column 'duration'.*'long'"),
    ],
)
def test_what_is_wrong_with_a_file(root, text, message):
    with pytest.raises(datasets.DatasetError, match=message):
        load(root, text)


def test_other_encodings_are_named(root):
    (root / "fix.csv").write_bytes("image,x,y\na,1,2\nä,1,2\n".encode("cp1252"))
    with pytest.raises(ValueError, match=r"line 3, is not encoded as utf-8"):
        load_csv(root / "fix.csv", root / "images")
    with pytest.raises(ValueError, match="no encoding 'klingon'"):
        load_csv(root / "fix.csv", root / "images", encoding="klingon")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"tracker": "smi"}, "no tracker 'smi'; known are eyelink"),
        ({"columns": {"picture": "a"}}, "columns= names 'picture'"),
        ({"columns": {"image": 0, "x": "x"}}, "holds names and numbers"),
        ({"columns": {"x": 0, "y": 1}}, "the column of image"),
        ({"units": "cm"}, "units must be one of"),
        ({"origin": "top"}, "origin must be one of"),
        ({"duration_unit": "min"}, "duration_unit must be one of"),
        ({"decimal": "x"}, "decimal must be one of"),
        ({"per_file": "day"}, "per_file must be one of"),
        ({"fit": True}, "fit=True needs screen="),
    ],
)
def test_arguments(root, options, message):
    with pytest.raises(ValueError, match=message):
        load(root, PLAIN, **options)


def test_missing_files(root):
    with pytest.raises(FileNotFoundError, match=r"nope\.csv does not exist"):
        load_csv(root / "nope.csv", root / "images")
    (root / "fix.csv").write_text(PLAIN)
    with pytest.raises(FileNotFoundError, match="nope does not exist"):
        load_csv(root / "fix.csv", root / "nope")
    with pytest.raises(ValueError, match="needs a file; received none"):
        load_csv([], root / "images")


def test_two_columns_of_one_name(root):
    with pytest.raises(
        datasets.DatasetError, match=r"line 1, has several .*'x' \(x\)"
    ):
        load(root, "image,x,x,y\na.png,1,20,3\n")
    # Columns that are not used may have any names.
    dataset = load(root, "image,x,y,note,note\na.png,1,3,a,b\n")
    assert dataset.fixations.x.tolist() == [1]
