"""What the codes of models mean: files, weights, adapters, tokenizers and devices."""

from __future__ import annotations

MODELS: dict[str, tuple[str, str]] = {
    "adapter-does-not-fit": (
        "an adapter changes weights that the model does not have, or has in another shape",
        "It was trained on another model, or on another revision.",
    ),
    "adapter-from-where": (
        "an adapter is given neither a folder nor an id of the hub, or both",
        'Write `adapter(base, "folder")`, or `adapter(base, hub="name/of-it")`.',
    ),
    "adapter-needs-peft": (
        "adapters are loaded by peft, which is not installed",
        "`pip install 'probelang[adapters]'` brings it.",
    ),
    "adapter-not-found": (
        "the folder of an adapter lacks one of its files",
        "It holds adapter_config.json and adapter_model.safetensors, as peft writes them.",
    ),
    "adapter-not-supported": (
        "an adapter is no plain LORA",
        "What else an adapter may do to a model is not known here, and would be left out in silence.",
    ),
    "bad-model-name": (
        "this is no name of a model",
        "An id of the hub is an owner and a name, as in allenai/OLMo-2-0425-1B. On the command line a model is"
        " `zoo:base`, `path:FOLDER` or `hub:OWNER/NAME`.",
    ),
    "device-map-needs-accelerate": (
        "spreading a model over devices takes accelerate, which is not installed",
        "`pip install 'probelang[device-map]'` brings it.",
    ),
    "device-not-available": ("this machine has no such device", "The message lists those that it has."),
    "model-changed": (
        "the files of a model have changed since the run began",
        "Numbers of the old files would be kept under the name of the new ones. Run it again.",
    ),
    "model-not-allowed": (
        "the hub gives this model only to accounts that agreed to its terms",
        "Agree on the model's page, then log in with `hf auth login`.",
    ),
    "model-not-found": (
        "a model is not in the folder, or the hub does not have it or this revision",
        "`path(…)` takes a folder with config.json in it. A private model needs `hf auth login`.",
    ),
    "model-not-loadable": (
        "transformers cannot load a model",
        "The message is its own. Code that a model brings runs only with `--trust-remote-code`.",
    ),
    "tokenizer-broken": (
        "the files of a tokenizer cannot be read",
        "They may be cut off, or written for another version. Download them again, or save the tokenizer once more.",
    ),
    "tokenizer-not-found": (
        "a model comes without tokenizer.json",
        "Segments are found by the characters that each token covers, which only the fast format tells. Save it once:"
        " `AutoTokenizer.from_pretrained(…).save_pretrained(…)`.",
    ),
    "unknown-device-map": (
        "this is no way to spread a model over devices",
        "For one device write `--device NAME`.",
    ),
    "unknown-dtype": ("this is no type of numbers for a model", "The message lists those that are."),
    "unknown-weight": (
        "a weight of a model has a name that is not known",
        "Weights are compared part by part, so each name needs its part: one entry in `runtime/weight_parts.py`.",
    ),
    "unknown-zoo-name": ("the zoo has no model or data of this name", "`probe zoo` lists what it has."),
    "unknown-zoo-revision": (
        "a model of the zoo has no such revision on this machine",
        "The package ships few of them; the others are trained again by the command in the message.",
    ),
    "weights-damaged": (
        "a file of weights is cut off or garbled",
        "Nothing is read of it, since any number could be wrong. Download it again.",
    ),
    "weights-differ": (
        "two models that are compared weight by weight have different ones",
        "A difference needs both to have the same parts in the same shapes.",
    ),
    "weights-incomplete": (
        "the files of a model lack weights that its config promises",
        "transformers would fill them with random numbers, and go on. Download it again, or mend its config.",
    ),
    "weights-not-found": (
        "a model has no weights as safetensors, or not all of their files",
        "Other formats are not read, because they can run code. Save the model as safetensors, or finish the download.",
    ),
}
