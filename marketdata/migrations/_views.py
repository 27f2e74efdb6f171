"""The SQL beside the tables: views with one row per bar, trade and quote, and the refusal to overwrite a version.

The views decode `marketdata_daychunk.cells` (`marketdata.columns.block`), and of a row only the columns that a query
asks for.
"""

# Arguments that are used more than once are plain columns, so that Postgres inlines these functions.
FUNCTIONS = """
CREATE FUNCTION marketdata_cell(cells bytea, at int, width int) RETURNS bigint
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE width
    WHEN 0 THEN 0::bigint
    WHEN 1 THEN get_byte(cells, at)::bigint
    WHEN 2 THEN get_byte(cells, at)::bigint + (get_byte(cells, at + 1)::bigint << 8)
    WHEN 4 THEN get_byte(cells, at)::bigint + (get_byte(cells, at + 1)::bigint << 8)
      + (get_byte(cells, at + 2)::bigint << 16) + (get_byte(cells, at + 3)::bigint << 24)
    ELSE get_byte(cells, at)::bigint + (get_byte(cells, at + 1)::bigint << 8)
      + (get_byte(cells, at + 2)::bigint << 16) + (get_byte(cells, at + 3)::bigint << 24)
      + (get_byte(cells, at + 4)::bigint << 32) + (get_byte(cells, at + 5)::bigint << 40)
      + (get_byte(cells, at + 6)::bigint << 48) + (get_byte(cells, at + 7)::bigint << 56)
  END
$$;
CREATE FUNCTION marketdata_float(bits bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN ((bits >> 52) & 2047) = 2047 THEN
      CASE WHEN (bits & 4503599627370495) <> 0 THEN NULL WHEN bits < 0 THEN '-Infinity'::float8 ELSE 'Infinity'::float8 END
    WHEN ((bits >> 52) & 2047) = 0 THEN
      CASE WHEN bits < 0 THEN -1 ELSE 1 END * (bits & 4503599627370495)::float8 * '4.9406564584124654e-324'::float8
    ELSE CASE WHEN bits < 0 THEN -1 ELSE 1 END
      * ((bits & 4503599627370495) + 4503599627370496)::float8 * power(2::float8, (((bits >> 52) & 2047))::float8 - 1075)
  END
$$;
CREATE FUNCTION marketdata_heads(cells bytea, columns int,
    OUT is_float bool[], OUT width int[], OUT at int[], OUT base bigint[], OUT step bigint[], OUT absent bigint[],
    OUT scale float8[])
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  head int;
  form int;
BEGIN
  FOR place IN 1..columns LOOP
    head := 24 * (place - 1);
    form := get_byte(cells, head);
    is_float[place] := form = 9;
    width[place] := CASE form WHEN 9 THEN 8 WHEN 14 THEN -1 WHEN 15 THEN 0 ELSE form & 15 END;
    at[place] := marketdata_cell(cells, head + 4, 4);
    base[place] := marketdata_cell(cells, head + 8, 8);
    step[place] := CASE form WHEN 15 THEN NULL ELSE marketdata_cell(cells, head + 16, 8) END;
    absent[place] := CASE form WHEN 17 THEN 255 WHEN 18 THEN 65535 WHEN 20 THEN 4294967295 WHEN 24 THEN -1 END;
    scale[place] := ('{1,10,100,1000,10000,100000,1000000}'::float8[])[1 + get_byte(cells, head + 1)];
  END LOOP;
END $$;
CREATE FUNCTION marketdata_number(cells bytea, n int, is_float bool, width int, at int, base bigint, step bigint,
    absent bigint, scale float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN is_float THEN marketdata_float(marketdata_cell(cells, at + 8 * n, 8))
    ELSE (base + step * NULLIF(marketdata_cell(cells, at + width * n, width), absent))::float8 / scale END
$$;
CREATE FUNCTION marketdata_integer(cells bytea, n int, width int, at int, base bigint, step bigint)
  RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT base + step * CASE WHEN width < 0 THEN n ELSE marketdata_cell(cells, at + width * n, width) END
$$;
"""
NO_FUNCTIONS = """
DROP FUNCTION marketdata_integer; DROP FUNCTION marketdata_number; DROP FUNCTION marketdata_heads;
DROP FUNCTION marketdata_float; DROP FUNCTION marketdata_cell;
"""

STORAGE = "ALTER TABLE marketdata_daychunk ALTER COLUMN cells SET STORAGE EXTERNAL"  # packed already

REFUSAL = """
CREATE FUNCTION marketdata_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'A stored version is never changed: write a new one (% of day version %)', TG_TABLE_NAME,
    CASE TG_TABLE_NAME WHEN 'marketdata_daychunk' THEN to_jsonb(OLD)->>'day_id' ELSE to_jsonb(OLD)->>'id' END
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER dayversion_never_changed BEFORE UPDATE OF id, dataset_id, instrument_id, kind, "interval", date, scope,
    derived, version, open_at, close_at, row_count, summary, content_hash, recorded_at, known_at, origin
  ON marketdata_dayversion FOR EACH ROW EXECUTE FUNCTION marketdata_refuse();
CREATE TRIGGER daychunk_never_changed BEFORE UPDATE ON marketdata_daychunk
  FOR EACH ROW EXECUTE FUNCTION marketdata_refuse();
"""
NO_REFUSAL = """
DROP TRIGGER dayversion_never_changed ON marketdata_dayversion; DROP TRIGGER daychunk_never_changed ON marketdata_daychunk;
DROP FUNCTION marketdata_refuse;
"""

# The cells are read once for each chunk (an expression is not read again for each row, as a stored value would be).
VIEW = """
CREATE VIEW marketdata_{name} AS
SELECT d.id * 100000000 + c.number * 20000 + n.n + 1 AS id, d.id AS day_id, d.dataset_id, d.instrument_id, d.date,
       d.scope, {columns}
  FROM marketdata_dayversion d JOIN marketdata_daychunk c ON c.day_id = d.id
 CROSS JOIN LATERAL (SELECT c.cells || ''::bytea AS cells OFFSET 0) b
 CROSS JOIN LATERAL marketdata_heads(b.cells, {places}) h
 CROSS JOIN generate_series(0, c.row_count - 1) AS n(n)
 WHERE d.current AND d.kind = '{kind}'
"""


def number(place: int, column: int = 0) -> str:
    """`column`: which of the columns that share a head."""
    head = ", ".join(f"h.{name}[{place}]" for name in ("is_float", "width", "at", "base", "step", "absent", "scale"))
    row = f"n.n + {column} * c.row_count" if column else "n.n"
    return f"marketdata_number(b.cells, {row}, {head})"


def integer(place: int) -> str:
    head = ", ".join(f"h.{name}[{place}]" for name in ("width", "at", "base", "step"))
    return f"marketdata_integer(b.cells, n.n, {head})"


def view(name: str, kind: str, columns: list[str], places: int) -> str:
    return VIEW.format(name=name, kind=kind, columns=", ".join(columns), places=places)


def bar_view() -> str:
    columns = ["d.interval", f"d.open_at + {integer(1)} * interval '1 second' AS start"]
    columns += [f"{number(2, column)} AS {name}" for column, name in enumerate(("open", "high", "low", "close"))]
    columns += [f"{number(place)} AS {name}" for place, name in enumerate(("volume", "trade_count", "vwap"), 3)]
    return view("bar", "bars", columns, 5)


def tick_view(name: str, kind: str, values: tuple[str, ...], words: tuple[str, ...]) -> str:
    places = 2 + len(values) + len(words)
    flags = integer(places)
    columns = [
        "d.derived",
        "c.number::bigint * 20000 + n.n + 1 AS sequence",
        f"d.open_at + ({integer(1)} / 1000) * interval '1 microsecond' AS at",
        f"extract(epoch FROM d.open_at)::bigint * 1000000000 + {integer(1)} AS at_ns",
        *(f"{number(place)} AS {column}" for place, column in enumerate(values, 2)),
        *(
            f"NULLIF(c.words[{integer(place)} + 1], '') AS {column}"
            for place, column in enumerate(words, 2 + len(values))
        ),
        f"({flags} & 1) <> 0 AS suspicious",
        f"({flags} & 2) <> 0 AS corrected",
    ]
    return view(name, kind, columns, places)


VIEWS = {
    "bar": bar_view(),
    "trade": tick_view("trade", "ticks", ("price", "size"), ("exchange", "condition")),
    "quote": tick_view(
        "quote", "quotes", ("bid", "bid_size", "ask", "ask_size"), ("bid_exchange", "ask_exchange", "condition")
    ),
}
