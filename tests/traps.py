"""The traps of the ten source experiments, and what becomes of each.

`check`: the checker says so (a code, with a spec on which it fires: its explanation's example unless one is given).
`built`: it cannot happen, or is computed and said, as the test that is named holds.
`default`: an option whose default is the safe reading. `second`: the check needs a tokenizer or a config at hand, and
belongs to the checks made then. `open_`: it cannot be checked, for the reason given.
"""

from __future__ import annotations

from .trap_kinds import TRAPS, built, check, default, open_, second

__all__ = ["TRAPS"]

# **** conventions: indices, tokens, scale, nulls, provenance ****

check("1.3", ("a bare layer number instead of a site", "wrong-kind", "statistic s = norm(16 at p.last)"))
built(
    "1.3",
    ("hidden-state index against block index", "test_sites.py::test_every_site_against_a_recomputation_by_hand"),
    ("the last hidden state is behind the final norm", "test_sites.py::test_order_is_the_order_of_execution"),
    (
        "logit lens norms once, also at the last layer",
        "test_engine.py::test_lens_at_the_last_layer_is_the_models_own_logits",
    ),
    (
        "sublayer output before or after its norm",
        "test_engine.py::test_attn_raw_is_read_before_an_edit_of_attn_everywhere",
    ),
    ("fused projections and grouped keys", "test_models.py::test_part_norms_account_for_every_weight"),
    ("blocks that give a tuple or a tensor", "test_sites.py::test_streams_add_up_in_the_other_architectures"),
)
built(
    "1.4",
    ("first token with or without a start token", "test_text_positions.py::test_positions"),
    (
        "mean over a prompt that includes the sink",
        "test_text_positions.py::test_every_written_token_belongs_to_one_segment",
    ),
    ("three meanings of no system prompt", "test_text_render.py::test_system_default_empty_and_none_differ"),
    ("start token twice", "test_text_render.py::test_exactly_one_start_token"),
    ("answer token with or without its space", "test_text_answers.py::test_the_leading_space_decides_the_token"),
    (
        "prompt and answer tokenised apart",
        "test_text_render.py::test_a_token_over_a_boundary_belongs_to_where_it_starts",
    ),
    ("padding on either side", "test_engine.py::test_right_padded_rows_equal_rows_alone"),
    ("the slice of a response in a padded batch", "test_text_positions.py::test_a_response_keeps_its_ids_and_its_text"),
)
check(
    "1.5",
    ("raw norms across checkpoints or layers", "raw-scale"),
    (
        "steering by a raw vector across checkpoints",
        "raw-scale",
        'model r = zoo("base", revision=["a", "b"])\ndirection v = mean_diff(resid_post[3] at c.last) on r\n'
        "statistic s = mean(prob(p) under steer(v)) on m",
    ),
)
built(
    "1.6",
    (
        "a null matched in norm is not matched in displacement",
        "test_operations_vectors.py::test_random_directions_have_the_moments_of_the_sphere",
    ),
    ("a null of shuffled labels", "test_operations_tests.py::test_label_permutation_refuses_what_has_no_sides"),
)
built(
    "1.7",
    (
        "a cell that could not be computed is a gap",
        "test_results.py::test_a_missing_cell_has_its_reason_and_no_numbers",
    ),
    ("a number without its provenance", "test_report_directory.py::test_the_manifest_vouches_for_each_file"),
)

# **** S1 names ****

default("S1.4", ("a name inside another word", "mentions.whole_words=True"))
built(
    "S1.4",
    ("possessives and word boundaries", "test_text_regex.py::test_whole_words"),
    ("a name of several tokens in the lens", "test_text_answers.py::test_several_tokens_are_an_error_unless_allowed"),
    ("final norm twice", "test_engine.py::test_lens_at_the_last_layer_is_the_models_own_logits"),
    ("soft cap and embedding scale", "test_sites.py::test_facts_of_configs_with_other_names_and_defaults"),
    ("tied embeddings counted twice", "test_models.py::test_a_tied_unembedding_is_compared_as_the_embedding"),
    (
        "vocabularies of different size in a difference",
        "test_models.py::test_differences_over_shards_in_bf16_and_over_the_rows_that_both_have",
    ),
    ("differences in bf16", "test_models.py::test_differences_over_shards_in_bf16_and_over_the_rows_that_both_have"),
    ("a base model and a chat template", "test_text_render.py::test_without_a_chat_template_messages_are_lines"),
    ("different n per row", "test_replicates.py::test_summary_of_items"),
)
check("S1.4", ("mentions counted instead of texts", "claim-has-items", 'claim k = mentions(generate(p).response, "x")'))

# **** S2 framing ****

check(
    "S2.4",
    ("raw separation peaks late", "raw-scale"),
    ("few seeds, and a z without a tail", "z-from-few-seeds"),
    ("sign of A - B", "wrong-sides"),
    ("raw prefix on one model, template on the other", "mixed-segments"),
    ("direction evaluated on the prompts it was fitted on", "in-sample"),
    ("both framings averaged", "sides-averaged"),
    ("p that no cell can reach", "never-significant"),
)
built(
    "S2.4",
    (
        "small n inflates the separation",
        "test_operations_tests.py::test_label_permutation_is_uniform_when_nothing_is_there_and_small_when_something_is",
    ),
    ("ddof and the published z", "test_operations_tests.py::test_z_score_of_a_published_effect"),
    ("direction estimated in bf16", "test_engine_machinery.py::test_half_precision_no_ops_and_edits"),
)
default("S2.4", ("scope of a hook while generating", "steer.during='predicting'"))
second("S2.4", ("prefixes of different length", "counts the tokens of both sides of a contrast"))
open_(
    "S2.4",
    (
        "1.00 taken for a ceiling",
        "the ratio has no natural ceiling: the report shows the values, and says nothing of one",
    ),
    (
        "component of the mean or of the centred activation",
        "`project_out` documents that it acts on h; both are legitimate",
    ),
)

# **** S3 subliminal ****

check(
    "S3.4",
    ("the teacher's system prompt in the student's data", "teacher-prompt-kept"),
    ("a scale of adapters that is none", "out-of-range", "model t = finetune(m, prompts=p, adapter=lora(rank=0))\n"
     "statistic s = mean(prob(p)) on t"),
)  # fmt: skip
default("S3.4", ("substring match", "mentions.whole_words=True"), ("gate at generated tokens", "gate.during='prompt'"))
built(
    "S3.4",
    ("an empty system prompt that is falsy", "test_text_render.py::test_system_default_empty_and_none_differ"),
    (
        "a template that injects a system prompt",
        "test_text_render.py::test_the_injected_system_prompt_is_a_segment_but_not_written",
    ),
    ("case and space of the answer token", "test_text_answers.py::test_the_leading_space_decides_the_token"),
    ("sampling seeds per question", "test_models.py::test_seeds_depend_on_every_part_and_on_nothing_else"),
    ("mean over questions or over samples", "test_replicates.py::test_samples_count_within_their_item"),
)
open_(
    "S3.4",
    (
        "alpha equal to the rank changes the step size",
        "`lora` documents alpha; the learning rate is the author's choice",
    ),
    ("learning rate not tuned again for full training", "a confound of the design, which no text shows"),
    ("merged and unmerged adapters", "adapters do not run yet"),
    ("modules_to_save", "adapters do not run yet; the parts are named by `targets`"),
    ("completion-only loss mask", "training does not run yet; its loss is over the response by definition"),
)

# **** S4 dual steering ****

check("S4.4", ("merge direction and columns of the word pairs", "unknown-column",
    'direction v = mean(final_norm at p.last)\nlet r = steer_path(final_norm at p.last, along=v, geometry="dual")\n'
    "statistic s = kl(merge_words(r.start, d), merge_words(r, d))"))  # fmt: skip
check("S4.4", ("which geometry, which direction", "wrong-choice",
    "direction v = mean(final_norm at p.last)\n"
    'statistic s = norm(steer_path(final_norm at p.last, along=v, geometry="primal").start)'))  # fmt: skip
built(
    "S4.4",
    ("final norm twice", "test_engine.py::test_lens_at_the_last_layer_is_the_models_own_logits"),
    ("soft cap breaks logits = G h", "test_sites.py::test_facts_of_configs_with_other_names_and_defaults"),
    (
        "padding and the original order",
        "test_engine_machinery.py::test_a_batch_that_does_not_fit_is_halved_and_joined_in_order",
    ),
)
open_(
    "S4.4",
    ("G tied or in bf16", "the paths do not run yet; G is fp32 by definition of the operation"),
    ("padded vocabulary rows", "the paths do not run yet"),
    ("top-k taken once", "the paths do not run yet"),
    ("a singular covariance", "`damping` is an argument; its effect on the step is in the documentation"),
    ("a ratio of nothing", "only the run knows; such cells are missing with their reason"),
)

# **** S5 iterated training ****

check(
    "S5.4",
    ("persona's system prompt leaks into the data", "teacher-prompt-kept"),
    ("a judge that changes with what it judges", "self-judged"),
    ("responses to other prompts than those beside them", "unpaired",
     'dataset e = file("e.csv", columns=["q"])\nprompts r from e { body: "{q}" }\n'
     "model t = finetune(m, prompts=p, response=generate(r) on m)\nstatistic s = mean(prob(p)) on t"),
    ("temperature below 0", "out-of-range", 'statistic s = mean(mentions(generate(p, temperature=-1).response, "a"))'),
)  # fmt: skip
built("S5.4", ("seeds per cycle", "test_models.py::test_seeds_depend_on_every_part_and_on_nothing_else"))
open_(
    "S5.4",
    ("reinitialised or continual", "both are written out: `finetune(base, …)` or `finetune(previous, …)`"),
    ("temperature other than one sharpens by itself", "an argument without a hidden default that the plan shows"),
    ("refusals of the judge", "only the run knows; they are missing cells with their reason"),
    ("filtering is itself selection", "`keep` is a named step with its counts"),
    ("the same prompts in every cycle", "they are written once, and that is visible"),
    ("adapters upon adapters", "adapters do not run yet"),
)

# **** S6 rate ****

check(
    "S6.4",
    ("a constant attribute", "constant-attribute"),
    ("sign of the ATU", "rewrites-mixed-up"),
    ("a reward model without the question's answer", "score-without-reply"),
)
built(
    "S6.4",
    (
        "an attribute that the data make constant",
        "test_deep_check_rows.py::test_an_attribute_that_the_data_make_constant",
    ),
    (
        "start token in a template that is tokenised again",
        "test_text_render.py::test_a_start_token_in_the_text_is_not_doubled",
    ),
)
open_(
    "S6.4",
    (
        "paired or unpaired standard error",
        "uncertainty is by resampling items, which is paired",
    ),
    (
        "truncation of originals and rewrites",
        "nothing is truncated in silence: a text that is too long is an error of the run",
    ),
    ("unclassified rows", "joins say how many remain"),
    ("rewrites that failed", "they are missing, and missing items are left out in pairs"),
    ("rewrites are random", "generated text is data, pinned by its bytes"),
)

# **** S7 grafting ****

built(
    "S7.4",
    ("last token inside a span", "test_text_positions.py::test_every_written_token_belongs_to_one_segment"),
    ("an entity tokenised otherwise in mid-sentence", "test_text_positions.py::test_occurrences_cover_split_words"),
    ("fused projections", "test_interventions_graft.py::test_one_pass_is_token_by_token"),
    ("tied embeddings", "test_models.py::test_a_tied_unembedding_is_compared_as_the_embedding"),
    ("norm weights", "test_models.py::test_part_norms_account_for_every_weight"),
    ("evaluation mode", "test_models.py::test_a_saved_folder_loads_ready_to_read"),
    ("the start token is never edited unless asked", "test_text_positions.py::test_positions"),
    ("a copy of the model per token", "test_interventions_graft.py::test_one_pass_is_token_by_token"),
)
check("S7.4", ("a graft at tokens of other prompts", "intervention-elsewhere"))
default("S7.4", ("whose head reads the answer", "graft.head='never'"))
second("S7.4", ("vocabularies that differ", "compares the vocabularies of two models that are joined"))
open_(
    "S7.4",
    ("rank counted from zero", "`rank` is documented to count from 1, as `1 + the number of larger logits`"),
    ("a graft changes what later tokens read", "that is what it measures"),
    ("queries matter for their own token only", "true of the operation, and documented there"),
    ("copies in fp16", "a model's dtype is in its source, and in the manifest"),
)

# **** S8 merging ****

check(
    "S8.4",
    (
        "a density that is none",
        "out-of-range",
        'model z = merge([m], method="ties", density=1.5)\nstatistic s = mean(prob(p)) on z',
    ),
)
built(
    "S8.4",
    ("tied weights", "test_models.py::test_a_tied_unembedding_is_compared_as_the_embedding"),
    ("weights that do not fit", "test_models.py::test_weights_that_cannot_be_compared_are_refused"),
    (
        "accumulation in half precision",
        "test_models.py::test_differences_over_shards_in_bf16_and_over_the_rows_that_both_have",
    ),
)
second("S8.4", ("tokenizers or vocabularies that differ", "compares fingerprints of the tokenizers"))
open_(
    "S8.4",
    ("integer buffers", "merging does not run yet"),
    ("a base that is no common ancestor", "no file says what a model descends from"),
    ("batch statistics", "the models of this language have none"),
    ("adapters on different bases", "adapters do not run yet"),
    ("slerp of parallel tensors", "merging does not run yet"),
    ("rescaling forgotten in DARE", "merging does not run yet"),
    ("normalize of TIES", "merging does not run yet"),
    ("symmetries of grouped heads", "no alignment step yet"),
)

# **** S9 instruction vectors ****

check(
    "S9.4",
    ("a t-test of booleans against 50", "test-of-booleans"),
    ("discriminants on the rows they were fitted on", "in-sample",
     'statistic s = project(resid_post[3] at p.last, method="lda", y=d.kind)'),
    ("a classifier on the rows it was fitted on", "in-sample",
     'let k = classifier("logistic", x=resid_post[3] at p.last, y=d.kind)\n'
     "statistic s = mean(k.correct(resid_post[3] at p.last, d.kind))"),
    ("an axis that changes nothing", "unused-binder"),
)  # fmt: skip
default("S9.4", ("minus one beyond the rank limit", "reciprocal_rank.beyond=0.0"), ("unseeded splits", "split.seed=0"))
built(
    "S9.4",
    ("the published t values", "test_operations_tests.py::test_the_published_t_values_against_fifty"),
    ("tuple or tensor", "test_sites.py::test_streams_add_up_in_the_other_architectures"),
    ("ties in argmax", "test_operations_numbers.py::test_peaks_take_the_first_of_equals_and_skip_holes"),
    ("order of a layer set", "test_results.py::test_sets_of_layers_get_columns_for_their_ends_and_size"),
    ("a constant in a correlation", "test_operations_numbers.py::test_a_constant_has_no_correlation"),
    ("grouped keys", "test_sites.py::test_a_site_without_head_is_all_heads_side_by_side"),
    (
        "the instruction's last token merges with a quote",
        "test_text_render.py::test_a_token_over_a_boundary_belongs_to_where_it_starts",
    ),
    ("trailing space of an instruction", "test_text_render.py::test_a_space_before_a_segment_goes_with_its_word"),
    ("eager attention for patterns", "test_engine.py::test_patterns_are_read_and_set_and_keys_knocked_out"),
)
open_(
    "S9.4",
    ("rounding before ranking", "nothing is rounded before it is shown"),
    ("fewer rows than asked for", "`limit` takes the first rows there are; n stands beside every number"),
    (
        "a mean of 1/rank is ruled by a few",
        "values per item are stored, and the interval is by bootstrap; the choice is the author's",
    ),
    ("edges to tokens that are masked", "paths do not run yet; s <= t is in their definition"),
    ("sorting probabilities in bf16", "ranks count strictly larger logits; the run reports the precision"),
    ("biases in the sum over paths", "paths do not run yet; `completeness` shows what is missing"),
    ("soft-capped attention", "paths do not run yet"),
)

# **** S10 personas ****

check(
    "S10.4",
    ("unequal items in a pair", "unpaired"),
    ("a coefficient that is raw across checkpoints", "raw-scale",
     'model r = zoo("base", revision=["a", "b"])\ndirection v = mean_diff(resid_post[3] at c.last) on r\n'
     "statistic s = mean(prob(p) under steer(v, scale=0.5)) on m"),
    ("evaluated on the texts it was extracted from", "in-sample"),
    ("selection of a label that is not there", "unknown-label"),
)  # fmt: skip
default(
    "S10.4",
    ("scope of steering", "steer.during='predicting'"),
    ("repetition penalty", "generate.repetition_penalty=1.0"),
)
built(
    "S10.4",
    ("left padding and the slice of the answer", "test_text_positions.py::test_a_response_keeps_its_ids_and_its_text"),
    ("tokens at the boundary", "test_text_render.py::test_a_token_over_a_boundary_belongs_to_where_it_starts"),
    ("hidden-state index", "test_sites.py::test_order_is_the_order_of_execution"),
    ("start token here and not there", "test_text_render.py::test_exactly_one_start_token"),
    (
        "checkpoints that are the same weights",
        "test_models.py::test_the_fingerprint_is_of_the_bytes_that_make_the_model",
    ),
    (
        "missing scores dropped on one side",
        "test_operations_vectors.py::test_mean_diff_is_positive_minus_negative_and_skips_what_is_missing",
    ),
    ("samples counted as items", "test_replicates.py::test_samples_count_within_their_item"),
    ("ties in the exact test", "test_operations_tests.py::test_ties_up_to_rounding_count"),
    ("steering in half precision", "test_engine_machinery.py::test_half_precision_no_ops_and_edits"),
)
open_(
    "S10.4",
    ("coherence collapses with the trait", "measure both: `persona.probe` plots the price beside the effect"),
    ("a coefficient changed in mid-series", "it is an argument, or an axis with its column"),
    ("temperature by rule of thumb", "an argument, shown in the plan"),
    ("filter on pairs or on rows", "`keep_pairs` and `keep` are two operations"),
    ("layer and coefficient chosen on the evaluation set", "the choice may lie outside the file; inside, use a split"),
)
