"""NVIDIA's data-designer as a contender of `throughput.py`; runs in a virtual environment of its own.

    PEER/bin/python benchmarks/peer_data_designer.py --url URL --requests FILE --connections 128

One structured column a step, each after the one before it, over a seed table of the recorded prompts.
"""

from __future__ import annotations

import json
import os
import tempfile

from peer_requests import STEPS, finished, options, rows


def main() -> None:
    given = options(__doc__)
    os.environ["NEMO_TELEMETRY_ENABLED"] = "false"
    import data_designer.config as dd
    import pandas as pd
    from data_designer.interface import DataDesigner

    provider = dd.ModelProvider(
        name="scripted", endpoint=f"{given.url}/v1", provider_type="openai", api_key="none"
    )
    width = dd.ChatCompletionInferenceParams(max_parallel_requests=given.connections, timeout=120)
    model = dd.ModelConfig(
        alias="model",
        model="scripted",
        provider="scripted",
        skip_health_check=True,
        inference_parameters=width,
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    steps = [[json.loads(row["messages"]) for row in rows(given.requests, n)] for n in range(len(STEPS))]
    prompts = {f"prompt_{n}": [said[-1]["content"] for said in step] for n, step in enumerate(steps)}
    builder.with_seed_dataset(dd.DataFrameSeedSource(df=pd.DataFrame(prompts)))
    for number, answer in enumerate(STEPS):
        # Named, so that the column waits for the one before; its text changes nothing.
        after = f"{{% if answer_{number - 1} %}}{{% endif %}}" if number else ""
        column = dd.LLMStructuredColumnConfig(
            name=f"answer_{number}",
            prompt=f"{{{{ prompt_{number} }}}}{after}",
            system_prompt=steps[0][0][0]["content"],
            model_alias="model",
            output_format=answer,
        )
        builder.add_column(column)
    with tempfile.TemporaryDirectory() as artifacts, finished() as told:
        designer = DataDesigner(artifact_path=artifacts, model_providers=[provider])
        made = designer.create(builder, num_records=len(steps[0])).load_dataset()
        told["answered"] = int(made[[f"answer_{n}" for n in range(len(STEPS))]].notna().sum().sum())


if __name__ == "__main__":
    main()
