"""What holds for every model that Mien exports, as sentences."""

from __future__ import annotations

INTENDED = (
    "Research on recognising facial expressions: comparing features, models and protocols.",
    "Sorting or searching pictures by the expression that they show, where a person looks at what "
    "comes out and mistakes do no harm.",
    "Teaching.",
)
OUT_OF_SCOPE = (
    "Telling what a person feels, thinks or intends. The classes are names of facial expressions; "
    "people smile without joy and are sad without showing it.",
    "Decisions on people: hiring, schooling, insurance, credit, health, police, borders.",
    "Watching people at work or in schools. Laws forbid it in places; in the European Union it is "
    "Article 5 of the AI Act (Regulation 2024/1689).",
    "Identifying people, or judging truthfulness, health or character.",
)
LIMITS = (
    "It knows the classes above and no others; every face gets one of them, unless the model "
    "abstains. Mixed and slight expressions are not described.",
    "The figures hold for pictures like those it was fitted on. Other cameras, light, poses, "
    "ages or cultures may give worse ones: measure on pictures of your own first.",
    "A face that is turned far away, covered or small may not be found, or its landmarks be wrong.",
    "Labels of expressions come from people who disagree; a share of them is wrong in every "
    "dataset.",
)
NO_GROUPS = (
    "The dataset does not tell sex, age or ethnicity of the people, so whether the model is worse "
    "for some groups is not known."
)
NO_FIGURES = (
    "There are no held-out figures of this model: how good it is, is not known. Measure it before "
    "using it."
)
CALIBRATION_NONE = "Whether its probabilities mean what they say was not measured."
NEVER_ABSTAINS = (
    "The model always answers. With mien predict --abstain-below 0.5 it keeps silent where its "
    "highest probability is lower."
)
NOT_HELD_OUT = "How many pictures this leaves without an answer was not measured."
CHOSEN_ON = (
    "The threshold was chosen on the rows that it is measured on, so the accuracy is a little too "
    "good."
)
REDUCED = (
    "The figures are of a model that was fitted in another way than the one in the file: {there}. "
    "The one in the file: {here}."
)
