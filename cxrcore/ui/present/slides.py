"""The slides of class mode in their order, with what the presenter says, asks and warns of."""

from cxrcore.ui.present.data import accuracy, imbalance, limits
from cxrcore.ui.present.groups import groups, groups_ahead
from cxrcore.ui.present.maps import maps, maps_ahead
from cxrcore.ui.present.networks import curves, networks, networks_ahead
from cxrcore.ui.present.stage import FILMS, FINDING, Notes, Slide
from cxrcore.ui.present.thresholds import thresholds
from cxrcore.ui.present.weighting import weights, weights_ahead

SLIDES = (
    Slide("Data", imbalance, Notes(
        "A film may have none of the findings, one or several. Some stand on every tenth film, some on "
        "hardly any: a network sees few examples of those, and so do we when we measure it.",
        "How many films would you need to see 100 with the rarest finding?",
        "Labels of the NIH data were read from reports by a program. A prevalence here is the label's.")),
    Slide("Accuracy", accuracy, Notes(
        "A question for each finding on every film, and nearly all answers are no. Whoever always says no is nearly "
        "always right.",
        "Would you buy a fire alarm with this accuracy that never rings?",
        "Papers that report an accuracy near 95 % on such data may report a network that predicts nothing.")),
    Slide("Networks", networks, Notes(
        "Macro AUROC: the chance that a film with a finding scores above one without it, mean over the findings. "
        "The bars say how far that moves with other patients.",
        "Which of these differences would you bet on?",
        "Overlapping intervals do not prove that two networks are equal, and a single seed is a single draw."),
        ahead=networks_ahead),
    Slide("Curves", curves, Notes(
        "The same scores, drawn twice. Left, false alarms are a share of the many healthy films; right, the right"
        " alarms are a share of all alarms. The rarer the finding, the further the two pictures part.",
        "Of ten alarms, how many are right at a recall of one half?",
        "0.5 is no natural threshold: a network that learned a rare finding seldom scores as high."),
        picks=FINDING),
    Slide("Thresholds", thresholds, Notes(
        "Let the class guess, then reveal. Then drag: recall rises and precision falls, and F1 has its top "
        "somewhere in between, mostly far below 0.5.",
        "Where would you put it in screening, and where to prioritise a work list?",
        "A threshold that is chosen while looking at test films flatters the network. The default here was fitted"
        " on validation."),
        picks=FINDING),
    Slide("Weighting", weights, Notes(
        "Weighting the rare class does what moving the threshold does: more alarms. The price is that scores stop"
        " being probabilities. Focal loss distorts them too, in its own way.",
        "If both find the same films, which would you rather explain to a doctor?",
        "Comparing losses at 0.5 compares thresholds, not networks. AUROC and AP do not depend on one."),
        picks=FINDING, ahead=weights_ahead),
    Slide("Maps", maps, Notes(
        "Grad-CAM weighs the last feature maps by how much they raise the score. It is coarse: a map has only a "
        "few cells on a side, stretched over the film.",
        "Is the warm place where you would look? What else lies there?",
        "A plausible map is not a proof. The Localization page counts how often maps hit boxes, beside a constant"
        " guess."),
        picks=FILMS, ahead=maps_ahead),
    Slide("Groups", groups, Notes(
        "One threshold for all can still miss more in one group. Look at the intervals before you name a group.",
        "What, besides the network, could make this gap?",
        "Bedside films (AP) are of sicker people. A network can score well by reading the view in place of the "
        "finding."),
        ahead=groups_ahead),
    Slide("Limits", limits, Notes(
        "End with what was not measured.",
        "What would you want to know before this ran in a hospital?",
        "A good number on one test set is a statement about that test set.")),
)
