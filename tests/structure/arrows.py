"""The rooms of cxrcore, their floors, and who imports whom: `python tests/structure/arrows.py` counts and draws.

It prints the arrows between rooms and writes docs/house.svg, the picture of CONTRIBUTING.md.
"""

import sys
from collections import Counter
from pathlib import Path

if __name__ == "__main__":  # pytest finds both by itself
    sys.path[:0] = [str(Path(__file__).parents[1] / "made"), str(Path(__file__).parents[2])]

from source_tree import MODULES, imports, room_of

from cxrcore.config import PROJECT_ROOT

FLOORS = (  # from the ground up: a room imports from floors below, and from its own in one direction at most
    ("measures",), ("data",), ("store",), ("charts", "networks"), ("evaluation", "explain"),
    ("training", "import_export"), ("queries",), ("report",), ("ui",), ("demo",))
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
PICTURE = PROJECT_ROOT / "docs" / "house.svg"

WIDTH, ROW, BOX, LEFT = 720, 58, (200, 38), 60  # pixels
INK, LINE, PAPER = "#1f2933", "#8fa1b3", "#ffffff"


def arrows() -> Counter[tuple[str, str]]:
    """{(room, room that it imports from): files that do}; the top of cxrcore, which all import, is left out."""
    found: Counter[tuple[str, str]] = Counter()
    for name in MODULES:
        own = room_of(name)
        found.update((own, other) for other in {room_of(module) for module in imports(name)} - {own, None} if own)
    return found


def upward() -> list[tuple[str, str]]:
    """Arrows that lead up, and those of one floor that lead both ways."""
    there = arrows()
    return sorted((own, other) for own, other in there if FLOOR_OF[other] > FLOOR_OF[own]
                  or (FLOOR_OF[other] == FLOOR_OF[own] and (other, own) in there))


def drawn() -> str:
    """The house as SVG: a floor a row, a room a box, and how many files of a room import each room below."""
    places = {room: (LEFT + (k + 0.5) * (WIDTH - LEFT) / len(rooms), (len(FLOORS) - floor - 0.5) * ROW)
              for floor, rooms in enumerate(FLOORS) for k, room in enumerate(rooms)}
    lines, boxes = [], []
    for (own, other), n in sorted(arrows().items()):
        (x, y), (to_x, to_y) = places[own], places[other]
        bend = 40 + 14 * abs(FLOOR_OF[own] - FLOOR_OF[other])
        side = -1 if x < WIDTH / 2 else 1
        lines.append(
            f'<path d="M {x:.0f} {y:.0f} C {x + side * bend:.0f} {y:.0f}, {to_x + side * bend:.0f} {to_y:.0f}, '
            f'{to_x:.0f} {to_y:.0f}" fill="none" stroke="{LINE}" stroke-width="{0.5 + n / 8:.2f}" '
            f'stroke-opacity="0.55"><title>{own} imports {other}: {n} files</title></path>'
        )
    for room, (x, y) in places.items():
        n = sum(room_of(name) == room for name in MODULES)
        boxes.append(f'<g><rect x="{x - BOX[0] / 2:.0f}" y="{y - BOX[1] / 2:.0f}" width="{BOX[0]}" height="{BOX[1]}" '
                     f'rx="6" fill="{PAPER}" stroke="{INK}"/><text x="{x:.0f}" y="{y + 5:.0f}" text-anchor="middle" '
                     f'fill="{INK}">{room}/ <tspan fill="{LINE}" font-size="12">{n} files</tspan></text></g>')
    floors = [f'<text x="12" y="{(len(FLOORS) - floor - 0.5) * ROW + 5:.0f}" fill="{LINE}">{floor + 1}</text>'
              for floor in range(len(FLOORS))]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {len(FLOORS) * ROW}" role="img" '
            f'aria-label="The rooms of cxrcore and their imports" font-family="sans-serif" font-size="15">'
            f'<rect width="100%" height="100%" fill="{PAPER}"/>' + "".join([*lines, *floors, *boxes]) + "</svg>\n")


def main() -> None:
    """Print the arrows and draw the house."""
    there = arrows()
    for (own, other), n in sorted(there.items(), key=lambda one: (-FLOOR_OF[one[0][0]], one[0])):
        print(f"{own:>14} -> {other:<14} {n:3} files")
    print(f"{len(FLOOR_OF)} rooms, {len(there)} arrows between them, {sum(there.values())} imports of files; "
          f"leading up: {len(upward())}")
    PICTURE.write_text(drawn(), encoding="utf-8")


if __name__ == "__main__":
    main()
