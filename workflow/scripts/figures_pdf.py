"""Bind the PDF files of all figures, one page each, with their titles as an outline."""

from pypdf import PdfReader, PdfWriter

from gradient_failures import files, provenance
from gradient_failures.jobs import logged_to

with logged_to(snakemake.log[0]):
    inputs = snakemake.input
    origin = provenance.attributes(
        title="Failures of Gradient-Based Deep Learning, reproduced: all figures",
        code=inputs.code,
        lock=inputs.lock,
        config={"figures": list(inputs.figures)},
    )
    with PdfWriter() as book, files.atomic(snakemake.output[0]) as temporary:
        for path in inputs.figures:
            book.append(path, outline_item=PdfReader(path).metadata.title)
        book.add_metadata({"/Title": origin["title"], "/Subject": provenance.as_text(origin)})
        book.write(temporary)
