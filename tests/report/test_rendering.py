"""What the page is made of, without a browser."""


def test_markup_in_data_is_escaped(finished_copy):
    finished_copy.edit(
        "config/deviations.yaml", "topic: Parity, input encoding", 'topic: "<script>alert(1)</script>"'
    )
    finished_copy.run()
    page = (finished_copy.folder / "results/report/index.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
