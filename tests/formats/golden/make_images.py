# SPDX-License-Identifier: Apache-2.0
"""Pictures of every kind that Burin reads, with what Pillow makes of them.

Run from anywhere: python tests/formats/golden/make_images.py
Needs numpy and pillow. X.png or X.jpg goes in, X.want.png is expected.
"""
import pathlib

import numpy as np
from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).parent / "images"
rng = np.random.default_rng(7)


def scene(width, height):
    """Smooth colours, hard edges and noise: what resampling can get wrong."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red = 127 + 120 * np.sin(x / 5) * np.cos(y / 7)
    green = 255 * ((x // 6 + y // 6) % 2)
    blue = rng.integers(0, 256, (height, width))
    return np.stack([red, green, blue], -1).clip(0, 255).astype(np.uint8)


def want(name, image):
    image.convert("RGB").save(OUT / f"{name}.want.png", optimize=True)


def over_white(image):
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image)


OUT.mkdir(exist_ok=True)
rgb = Image.fromarray(scene(61, 47))
rgb.save(OUT / "rgb.png")
want("rgb", rgb)

grey = rgb.convert("L")
grey.save(OUT / "grey.png")
want("grey", grey)

ramp = np.arange(16 * 16, dtype=np.uint16).reshape(16, 16) * 257 + 100
Image.fromarray(ramp).save(OUT / "grey16.png")
want("grey16", Image.fromarray(((ramp / 257) + 0.5).astype(np.uint8)))

alpha = np.dstack([scene(24, 16), rng.integers(0, 256, (16, 24, 1))])
rgba = Image.fromarray(alpha.astype(np.uint8))
rgba.save(OUT / "rgba.png")
want("rgba", over_white(rgba))

two = rgba.convert("LA")
two.save(OUT / "grey_alpha.png")
want("grey_alpha", over_white(two))

palette = rgb.quantize(16)
palette.save(OUT / "palette.png", transparency=3)
want("palette", over_white(Image.open(OUT / "palette.png")))

one = rgb.convert("1")
one.save(OUT / "bilevel.png")
want("bilevel", one)

smooth = rgb.resize((32, 24), Image.Resampling.BICUBIC)
smooth.save(OUT / "jpeg444.jpg", quality=95, subsampling=0)
want("jpeg444", Image.open(OUT / "jpeg444.jpg"))
smooth.convert("L").save(OUT / "jpeg_grey.jpg", quality=95)
want("jpeg_grey", Image.open(OUT / "jpeg_grey.jpg"))
smooth.save(OUT / "jpeg_progressive.jpg", quality=95, subsampling=0,
            progressive=True)
want("jpeg_progressive", Image.open(OUT / "jpeg_progressive.jpg"))

for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = OUT / f"orientation{orientation}.jpg"
    smooth.crop((0, 0, 16, 8)).save(path, quality=95, subsampling=0, exif=exif)
    want(f"orientation{orientation}", ImageOps.exif_transpose(Image.open(path)))
exif = Image.Exif()
exif[0x0112] = 6
rgba.convert("RGB").save(OUT / "orientation_png.png", exif=exif)
want("orientation_png",
     ImageOps.exif_transpose(Image.open(OUT / "orientation_png.png")))

LANCZOS = Image.Resampling.LANCZOS
for width, height in [(23, 17), (122, 94), (61, 20), (7, 47), (1, 1), (200, 9)]:
    want(f"resize_{width}x{height}", rgb.resize((width, height), LANCZOS))
for width, height in [(32, 32), (64, 16), (16, 40)]:
    want(f"fit_{width}x{height}",
         ImageOps.fit(rgb, (width, height), method=LANCZOS))
