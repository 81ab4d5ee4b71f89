"""The questions of "What people ask", as people type them: three ways each.

By the section that answers: {"page#anchor": [(what is typed, …), …]}. The words were chosen before
the search was tried on them.
"""

ASKED = {
    "paths#parameters-variables-or-constants": [
        "are mean and variance parameters",
        "is the batch mean a constant or a variable",
        "batch statistics learnable?",
    ],
    "two_samples#only-the-mean": [
        "why backprop through the mean",
        "why differentiate through mean and variance",
        "detach mean batchnorm what goes wrong",
    ],
    "two_samples#what-a-step-does": [
        "1 - 1 = 0 gradient dead",
        "is the gradient always zero",
        "why is the gradient zero when dy is the same for all samples",
    ],
    "computation_graph#why-the-second-term-of-dmu-vanishes": [
        "dmu second term zero",
        "why does the second term of dmu vanish",
        "sum of x minus mu is zero in dmu",
    ],
    "paths#partial-and-total": [
        "dxhat/dx 1/s quotient rule",
        "partial vs total derivative",
        "why is the derivative of x_hat not 1/sigma",
    ],
    "jacobian#": [
        "jacobian matrix of batch norm",
        "matrix form of the gradient",
        "batchnorm jacobian projection",
    ],
    "batch_normalization#a-bias-before-the-layer-is-useless": [
        "bias before batchnorm",
        "conv bias=False with batch norm",
        "why does the bias get zero gradient",
    ],
    "batch_normalization#training-and-evaluation": [
        "gradient in eval mode",
        "train vs eval different results",
        "training and evaluation disagree",
    ],
    "higher_derivatives#one-derivative-more": [
        "second derivative batch norm",
        "higher order gradients moments constant",
        "double backward wrong",
    ],
    "batch_normalization#biased-or-unbiased": [
        "biased or unbiased variance",
        "n or n-1 in running variance",
        "momentum 1 still differs from eval",
    ],
    "batch_normalization#what-it-stores": [
        "momentum 0.1 or 0.9",
        "pytorch vs keras momentum",
        "what does momentum mean in batch norm",
    ],
    "batch_normalization#the-paper-s-own-procedure": [
        "cumulative moving average momentum=None",
        "population statistics inference",
        "cumulative averaging",
    ],
    "batch_normalization#a-batch-of-one-a-batch-of-two": [
        "batch size 1",
        "batchsize=1 error",
        "single sample batch",
    ],
    "variance_of_two#a-batch-of-two-passes-almost-nothing": [
        "batch size 2",
        "batch of two gradient vanishes",
        "two samples variance",
    ],
    "numerics#where-eps-goes": [
        "eps inside sqrt",
        "epsilon inside or outside the square root",
        "where to put eps",
    ],
    "implementation#other-axes": [
        "which axes conv batchnorm",
        "batchnorm2d axis",
        "batch norm for images NCHW",
    ],
    "relatives#one-function": [
        "layer norm vs batch norm",
        "difference between batchnorm and layernorm",
        "instance norm group norm difference",
    ],
    "does_it_help#": [
        "why does batch norm help",
        "does batch norm help",
        "does batchnorm really help",
    ],
    "constants#frozen-statistics-exact": [
        "backward with frozen statistics",
        "frozen statistics exact gradient",
        "gradient with frozen statistics",
        "freeze batchnorm layer",
    ],
    "constants#one-rule-for-all-of-them": [
        "may I detach the moments",
        "is stop gradient ever right",
        "when is it right to detach the moments",
    ],
    "cut_on_purpose#two-corrections": [
        "batch renormalization r and d",
        "what is batch renorm",
        "batch renormalization corrections",
    ],
    "without_it#jacobians-side-by-side": [
        "fixup skipinit normalizer free",
        "can I do without batch norm DyT",
        "networks without normalization fixup",
    ],
    "longer_steps#three-answers-side-by-side": [
        "why does batchnorm work",
        "smoother loss or longer steps",
        "why batch norm works three answers",
    ],
    "relatives#ghost-batch-norm-small-batches-on-purpose": [
        "ghost batch norm",
        "ghost batchnorm inference",
        "ghost batch size leftover",
    ],
    "implementation#gradient-checks-that-mean-something": [
        "gradient check fails",
        "gradcheck dy ones",
        "numerical gradient check passes but wrong",
    ],
    "in_practice#accumulated-gradients": [
        "gradient accumulation",
        "gradient accumulation vs large batch",
        "accumulate gradients small batches",
    ],
    "in_practice#per-sample-gradients": [
        "per sample gradients",
        "per-example gradient differential privacy",
        "gradient of a single example",
    ],
    "in_practice#recomputation-counts-twice": [
        "gradient checkpointing batchnorm",
        "checkpoint updates running stats twice",
        "recompute activations running mean",
    ],
    "in_practice#frozen-and-moving-still": [
        "I froze the layer, statistics still move",
        "frozen layer running mean still changes",
        "requires_grad False statistics still update",
    ],
    "several_workers#what-must-be-shared": [
        "syncbatchnorm",
        "synchronized batch norm all-reduce",
        "uneven batches across gpus",
    ],
    "several_workers#the-gradients-of-gamma-and-beta": [
        "dgamma reduced twice",
        "ddp gamma beta gradient too large",
        "dgamma dbeta several workers",
    ],
    "several_workers#whose-running-statistics-count": [
        "running stats multi gpu",
        "whose running mean is saved",
        "distributed running statistics",
    ],
    "in_practice#one-infinity-for-good": [
        "eval nan",
        "nan in evaluation but training fine",
        "running_var inf",
    ],
    "in_practice#the-last-batch": [
        "drop_last",
        "last batch of one",
        "last batch too small",
    ],
    "in_practice#padding-enters-the-moments": [
        "padding mask",
        "masked batch norm",
        "padded sequences mean variance",
    ],
    "in_practice#normalization-activation-dropout": [
        "dropout before or after batchnorm",
        "batchnorm before or after relu",
        "order of norm activation dropout",
    ],
    "in_practice#folded-away-for-inference": [
        "fold batchnorm into conv",
        "fuse bn weights inference",
        "merge batch norm into linear layer",
    ],
    "in_practice#a-check-list": [
        "debug batch norm checklist",
        "batchnorm not working where to look",
        "check list",
    ],
}
