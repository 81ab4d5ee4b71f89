"""Each figure's model, the pure half of its script, run in Node.js against Python."""

from node import run

# Merges the inputs into the analysis, as the kit does, and adds what is handed back
ANALYSE = """(model, inputs, bytes) => {
  for (const name of bytes) inputs[name] = new DataView(Uint8Array.from(inputs[name]).buffer);
  const all = { ...inputs, ...model.analyse(inputs, (name, from, make) => make()) };
  for (const name of bytes) delete all[name];
  return { ...all, outputs: model.outputs(all) };
}"""


def analyses(*figures):
    """What the page's model makes of each figure's inputs: all that is shown, and ``outputs``."""
    name = type(figures[0]).__module__.rpartition(".")[2]
    cases = []
    for figure in figures:
        inputs = {trait: getattr(figure, trait) for trait in figure.inputs}
        packed = [trait for trait, value in inputs.items() if isinstance(value, bytes)]
        cases.append([inputs | {trait: list(inputs[trait]) for trait in packed}, packed])
    return run(f"figures/{name}/model.js", ANALYSE, *cases)
