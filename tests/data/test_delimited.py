"""CSV files: words and leading zeros, and files without names."""

import bz2
import gzip
import lzma
import warnings

import keras
import numpy as np
import pytest
from keras import layers

from ws_keras.data import delimited
from ws_keras.data import merged
from ws_keras.data import roles
from ws_keras.data import tables

pytest.importorskip("pandas")  # an extra


@pytest.fixture
def read(tmp_path):
    def reading(*texts):
        names = []
        for number, text in enumerate(texts):
            path = tmp_path / f"{number}.csv"
            path.write_text(text)
            names.append(f"csv:{path}")
        return merged.read(names)

    return reading


CODES = "code , age,y\n01234,30,0\n00007,41,1\n10115,52,0\n"


def test_codes_are_texts_for_an_input_of_texts_and_numbers_else(read):
    table = read(CODES)
    assert table["code"].tolist() == [1234, 7, 10115]
    assert table.texts("code").tolist() == ["01234", "00007", "10115"]
    table = read("code,n\n01234,1\n,2\nNA,3\n")
    assert table.texts("code").tolist() == ["01234", None, "NA"]


def test_codes_of_one_file_that_has_letters_and_one_that_has_none(read):
    table = read("code,y\n01234,0\n00007,1\n", "code,y\n01234,0\nAB1,1\n")
    found = table.texts("code").tolist()
    assert found == ["01234", "00007", "01234", "AB1"]


def test_a_model_with_texts_reads_codes_as_they_are_written(read):
    code = keras.Input((1,), name="code", dtype="string")
    age = keras.Input((1,), name="age")
    table = layers.StringLookup(vocabulary=["01234", "10115"])(code)
    joined = layers.Concatenate()([layers.Embedding(3, 2)(table)[:, 0], age])
    model = keras.Model([code, age], layers.Dense(1)(joined))
    model.compile("sgd", "mse")
    for text in (CODES, CODES.replace(" , ", ",")):
        x = roles.read(read(text), model, roles.Roles(["y"])).x
        codes, ages = x if isinstance(x, tuple) else (x["code"], x["age"])
        assert np.ravel(codes).tolist() == ["01234", "00007", "10115"]
        assert np.ravel(ages).tolist() == [30, 41, 52]


def test_one_input_of_texts_takes_columns_of_digits(read):
    model = keras.Sequential(
        [
            keras.Input((2,), dtype="string"),
            layers.StringLookup(vocabulary=["01", "a"]),
            layers.Embedding(3, 2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    x = roles.read(read("p,q,y\n01,a,0\n02,b,1\n"), model, roles.Roles(["y"])).x
    assert x.tolist() == [["01", "a"], ["02", "b"]]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("5.1,3.5,0\n4.9,3.0,1\n", "5.1"),
        ("34,Bonn,1\n51,Rome,0\n", "34"),
        ("Bonn,0\nRome,1\nBonn,1\n", "0"),
        ("Bonn,red\nRome,blue\nBonn,red\n", "Bonn"),
        ("-1,7,9\n0,4,2\n", "-1"),
        # The names are repeated, as where files were joined.
        ("city,age\nBonn,3\ncity,age\nRome,4\n", "city"),
    ],
)
def test_a_first_line_of_data_is_noticed(read, text, held):
    with pytest.warns(delimited.NoNames, match=f"row of data.*'{held}'"):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        CODES,
        "0,1,2,y\n5.1,3.5,1.4,0\n",  # of pandas, for an array
        "1,2,3\n5.1,3.5,1.4\n",
        "country,2019,2020,2021\nPeru,5,4,3\n",
        "country,2000,2005,2010\nPeru,5,4,3\n",
        ",0\n0,3.5\n1,2.5\n",  # of pandas, for a series
        "spam,length\nspam,3\nham,4\n",  # a column named like a class
    ],
)
def test_nothing_is_said_of_names(read, text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(read(text).names) >= 2


def test_a_first_line_that_repeats_a_value_gets_the_way_out(read):
    with pytest.raises(ValueError, match="'1' twice.*add a line"):
        read("1,1,3\n4,5,6\n")


def test_a_table_without_texts_returns_its_arrays():
    table = tables.Table("own.npz", ["n"], lambda _: np.arange(3), False)
    assert table.texts("n").tolist() == [0, 1, 2]


def test_separators_within_quoted_names_separate_nothing(read):
    table = read('"length, width, cm";"price, with tax";y\n5;3;0\n4;2;1\n')
    assert table.names == ["length, width, cm", "price, with tax", "y"]
    assert table["price, with tax"].tolist() == [3, 2]


IRIS = "a,b,y\n5.1,3,0\n?,4,1\n4.9,lost,0\n5.0,2,1\n?,1,0\n5,3,1\n4,2,1\n"


def test_a_text_that_stands_for_a_missing_number_is_named(read):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    words = r"hold `a` as numbers\. Received: '\?' in 2 rows.*leave it empty"
    with pytest.raises(ValueError, match=words):
        roles.read(read(IRIS), model, roles.Roles(["y"]))
    words = "hold `b` as numbers. Received: 'lost' in 1 row. If"
    with pytest.raises(ValueError, match=words):
        roles.read(read(IRIS.replace("?", "5")), model, roles.Roles(["y"]))
    # Most are texts, so the column holds categories.
    with pytest.raises(ValueError, match="StringLookup"):
        texts = read("a,b,y\n?,3,0\nx,4,1\n4.9,5,0\n")
        roles.read(texts, model, roles.Roles(["y"]))


def test_a_comma_may_separate_thousands(read):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    table = read('a,b,y\n"1,200",3,0\n"2,500",4,1\n')
    with pytest.raises(ValueError, match="thousands=','"):
        roles.read(table, model, roles.Roles(["y"]))


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_a_compressed_file_is_read_like_a_plain_one(tmp_path, module):
    text = "a;b;y\n1;2;0\n3;4;1\n"
    ending = {gzip: "gz", bz2: "bz2", lzma: "xz"}[module]
    path = tmp_path / f"own.csv.{ending}"
    path.write_bytes(module.compress(text.encode()))
    table = tables.read(f"csv:{path}")
    assert table.names == ["a", "b", "y"] and table["b"].tolist() == [2, 4]
    assert table.texts("a").tolist() == ["1", "3"]
