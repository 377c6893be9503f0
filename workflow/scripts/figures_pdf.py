"""Bind the PDF files of all figures, one page each, with their titles as an outline."""

from pypdf import PdfReader, PdfWriter

from gradient_failures.job import logged_to
from gradient_failures.provenance import files, origin

with logged_to(snakemake.log[0]):
    inputs = snakemake.input
    attributes = origin.attributes(
        title="Failures of Gradient-Based Deep Learning, reproduced: all figures",
        code=snakemake.params.code,
        lock=inputs.lock,
        config={"figures": list(inputs.figures)},
    )
    with PdfWriter() as book, files.atomic(snakemake.output[0]) as temporary:
        for path in inputs.figures:
            book.append(path, outline_item=PdfReader(path).metadata.title)
        book.add_metadata({"/Title": attributes["title"], "/Subject": origin.as_text(attributes)})
        book.write(temporary)
