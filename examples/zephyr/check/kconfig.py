"""The module's settings by kconfiglib, for some processors, and its YAML: python3 kconfig.py"""

import pathlib
import tempfile

import kconfiglib
import yaml

HERE = pathlib.Path(__file__).parent
PROCESSORS = {
    ("CPU_CORTEX_M0PLUS",): "thumbv6m-none-eabi",
    ("CPU_CORTEX_M3",): "thumbv7m-none-eabi",
    ("CPU_CORTEX_M4",): "thumbv7em-none-eabi",
    ("CPU_CORTEX_M4", "FP_HARDABI"): "thumbv7em-none-eabihf",
    ("CPU_CORTEX_M7", "FP_HARDABI"): "thumbv7em-none-eabihf",
    ("CPU_CORTEX_M33", "FP_HARDABI"): "thumbv8m.main-none-eabihf",
    ("RISCV",): "riscv32imac-unknown-none-elf",
    (): "",
}


def settings(symbols):
    """The settings of an application that takes the module, on a board that has these symbols."""
    every = sorted({symbol for symbols in PROCESSORS for symbol in symbols})
    board = "".join(f"config {name}\n\tdef_bool {'y' if name in symbols else 'n'}\n" for name in every)
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(folder) / "Kconfig"
        top.write_text(f'mainmenu "board"\n{board}source "{HERE.parent / "Kconfig"}"\n')
        kconf = kconfiglib.Kconfig(str(top), warn_to_stderr=False)
        conf = [line for line in (HERE.parent / "sample/prj.conf").read_text().splitlines() if "GRADSIEVE" in line]
        for line in conf:
            name, value = line.removeprefix("CONFIG_").split("=")
            assert kconf.syms[name].set_value(value), line
        return kconf


def main():
    module = yaml.safe_load((HERE.parent / "zephyr/module.yml").read_text())
    assert module == {"name": "gradsieve", "build": {"cmake": ".", "kconfig": "Kconfig"}}, module
    for of in ("cmake", "kconfig"):
        assert (HERE.parent / module["build"][of]).exists(), of
    for symbols, target in PROCESSORS.items():
        kconf = settings(symbols)
        found = kconf.syms["GRADSIEVE_RUST_TARGET"].str_value
        assert found == target, (symbols, found)
        assert kconf.syms["GRADSIEVE_SIZE"].str_value == "y"
    # Kconfig warns of nothing but the symbols that other boards would have.
    odd = [text for text in kconf.warnings if "CPU_" not in text and "undefined symbol" not in text]
    assert not odd, odd
    print("the Zephyr module's settings, for", len(PROCESSORS), "processors")


main()
