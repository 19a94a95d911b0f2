"""What every number on the screen means: its definition, its range, and where it comes from.

The one place that pages, tables and the threshold board take these texts from. Stands on nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

NOT_FOR_DIAGNOSIS = "For teaching and research, not for diagnosis."  # on every explanation and report


@dataclass(frozen=True)
class Term:
    """One measure.

    Attributes:
        name: as screens write it, long form included.
        definition: what it is, as a sentence without its subject.
        range: the values that it can take, which are good, and which come without any skill.
        source: who defined it, or what recorded it.
    """

    name: str
    definition: str
    range: str
    source: str

    @property
    def short(self) -> str:
        """The name without its long form."""
        return self.name.split(" (")[0]

    @property
    def in_words(self) -> str:
        """All of it on one line, for where there is no Markdown."""
        return f"{self.name}: {self.definition} Range: {self.range}. Source: {self.source}."


_UNIT = "0 to 1, higher is better"
_ALTMAN = "Altman and Bland, BMJ 1994"
_VICKERS = "Vickers and Elkin, Med. Decis. Making 2006"
_GEIFMAN = "Geifman and El-Yaniv, NeurIPS 2017"
_RECORDED = "recorded by the run"
_COUNTED = "counted by this workbench"

TERMS = {
    # -- how well scores tell films apart
    "auroc": Term("AUROC (area under the ROC curve)", "The chance that a film with the finding scores above one "
                  "without it.", f"{_UNIT}; 0.5 is guessing", "Hanley and McNeil, Radiology 1982"),
    "ap": Term("AP (average precision)", "The precision at each film with the finding, averaged: the area under the "
               "precision-recall curve.", f"{_UNIT}; guessing gives the finding's share of the films, so it is low "
               "where findings are rare", "Davis and Goadrich, ICML 2006"),
    "macro": Term("Macro mean", "The mean over the findings, each counting alike; a finding without positive films "
                  "has no value and is left out.", "as the measure's own",
                  "Sokolova and Lapalme, Inf. Process. Manag. 2009"),
    "micro": Term("Micro mean", "The measure of the counts of all findings added up, so that common findings count "
                  "more.", "as the measure's own", "Sokolova and Lapalme, Inf. Process. Manag. 2009"),
    # -- decisions at thresholds
    "f1": Term("F1", "2 TP / (2 TP + FP + FN), the harmonic mean of recall and precision at a threshold.", _UNIT,
               "van Rijsbergen, Information Retrieval, 1979"),
    "recall": Term("Recall (sensitivity, TPR)", "TP / (TP + FN), the share of the films with the finding that get an "
                   "alarm.", _UNIT, _ALTMAN),
    "precision": Term("Precision (positive predictive value)", "TP / (TP + FP), the share of the alarms that are "
                      "right; undefined without an alarm.", _UNIT, _ALTMAN),
    "specificity": Term("Specificity", "TN / (TN + FP), the share of the films without the finding that get no alarm.",
                        _UNIT, _ALTMAN),
    "false_alarm": Term("False-alarm rate (FPR)", "FP / (FP + TN), the share of the films without the finding that "
                        "get an alarm.", "0 to 1, lower is better", _ALTMAN),
    "tp": Term("TP (true positives)", "Films with the finding that get an alarm.", "a count", _COUNTED),
    "fp": Term("FP (false positives)", "Films without the finding that get an alarm.", "a count", _COUNTED),
    "fn": Term("FN (false negatives)", "Films with the finding that get no alarm: missed.", "a count", _COUNTED),
    "tn": Term("TN (true negatives)", "Films without the finding that get no alarm.", "a count", _COUNTED),
    "threshold": Term("Threshold", "A film with this score or more gets an alarm.", "0 to 1", "fitted, or set by hand"),
    "delta": Term("Difference of F1", "F1 now minus F1 of the set that it is compared with.", "-1 to 1, above 0 is a "
                  "gain", _COUNTED),
    # -- what fitting promised
    "f1_fitted": Term("F1 as fitted", "F1 on the very films that the thresholds were fitted on, which flatters.", _UNIT,
                      "van Rijsbergen, Information Retrieval, 1979"),
    "f1_crossed": Term("F1 cross-fitted", "Thresholds fitted on one half of the patients and read on the other, both "
                       "ways, counts pooled, as the mean of 20 halvings: what fitting is worth on new patients of the "
                       "same kind. With half the films to fit on, it is a little too strict.", _UNIT,
                       "Stone, J. R. Stat. Soc. B 1974"),
    "halvings": Term("Range over halvings", "The least and the greatest F1 cross-fitted when the same patients are "
                     "halved in other ways: what it owes to the halving. Other patients would move it further.", _UNIT,
                     _COUNTED),
    "fitted_positives": Term("Positives", "Films with the finding and a score among those that the thresholds were "
                             "fitted on.", "a count; under 50 the threshold is unstable", _COUNTED),
    "f1_other": Term("F1 on the other split", "The frozen thresholds on films that they were not fitted on. Beside "
                     "optimism this holds another mix of patients: see prevalence.", _UNIT,
                     "van Rijsbergen, Information Retrieval, 1979"),
    "optimism": Term("Optimism", "F1 as fitted minus F1 cross-fitted.", "-1 to 1; 0 is honest, above 0 flatters",
                     "Efron, J. Am. Stat. Assoc. 1983"),
    "step": Term("Step", "F1 on the other split minus F1 as fitted.", "-1 to 1", _COUNTED),
    # -- what a threshold costs, refuses and promises
    "ppv": Term("PPV (positive predictive value) at a prevalence", "The share of the alarms that would be right where "
                "so many films have the finding, by Bayes from recall and specificity, which are taken to carry over.",
                f"{_UNIT}; an alarm for all has the prevalence", _ALTMAN),
    "npv": Term("NPV (negative predictive value) at a prevalence", "The share of the films without an alarm that would "
                "not have the finding, by Bayes as PPV.", f"{_UNIT}; no alarm at all has 1 minus the prevalence",
                _ALTMAN),
    "alarms_per_1000": Term("Alarms per 1,000", "Films with an alarm, right or wrong, of 1,000 at the prevalence that "
                            "is set.", "0 to 1,000", f"{_ALTMAN}; its interval Zou and Donner, Stat. Med. 2008"),
    "misses_per_1000": Term("Misses per 1,000", "Films with the finding and without an alarm, of 1,000 at the "
                            "prevalence that is set.", "0 to 1,000, lower is better", _ALTMAN),
    "harm_ratio": Term("Harm ratio N", "One missed film is as bad as N false alarms; an alarm is worth it from a "
                       "probability of 1 / (1 + N) on.", "above 0", _VICKERS),
    "net_benefit": Term("Net benefit", "TP/n - FP/n x t/(1 - t) with t = 1 / (1 + N): right alarms of each film, less "
                        "the wrong ones at their price in misses.", "up to the prevalence, higher is better; no alarm "
                        "has 0, and an alarm for all is to be beaten too", _VICKERS),
    "worth_range": Term("Harm ratios it is worth", "The harm ratios N for which a line, or a network with its best "
                        "line for each, has a greater net benefit than an alarm for every film and than none.",
                        "above 0; that of the best lines flatters, as they are chosen on these films", _VICKERS),
    "referred": Term("Referred", "The share of the films between the two lines, which a person is asked about.",
                     "0 to 100 %, lower is less work", "Chow, IEEE Trans. Inf. Theory 1970"),
    "decided_recall": Term("Recall among the decided", "TP / (TP + FN) of the films that get a yes or a no; read it "
                           "beside the share referred, which may hold most films with the finding.", _UNIT, _GEIFMAN),
    "decided_precision": Term("Precision among the decided", "The share of the yes that are right; undefined without a "
                              "yes.", _UNIT, _GEIFMAN),
    "decided_f1": Term("F1 among the decided", "2 TP / (2 TP + FP + FN) of the films that get a yes or a no.", _UNIT,
                       _GEIFMAN),
    "misses_left": Term("Misses left", "Films with the finding below the lower line: nobody is asked about them.",
                        "a count, lower is better", _COUNTED),
    "promised": Term("Promised", "The least recall, specificity or precision for new patients of the same kind, which "
                     "this threshold keeps with the confidence c whatever the scores' distribution; a patient counts "
                     "once. Void where the network was chosen on the same patients.", _UNIT,
                     "Bates et al., J. ACM 2021; Angelopoulos et al., Learn then test, 2021"),
    "confidence": Term("Confidence c", "How sure a promise is: of many sets of patients to fit on, at most 1 - c would "
                       "give a threshold that breaks it, by the exact binomial distribution.", "0.5 to 1; 0.95 as a "
                       "rule", "Clopper and Pearson, Biometrika 1934"),
    "by_patients": Term("By patients", "The mean over patients of the share of their films that is right, so that many "
                        "films of one patient weigh no more than one of another.", _UNIT,
                        "Obuchowski, Biometrics 1997"),
    "patients_needed": Term("Patients needed", "How many patients a promise takes at least: so many that all of them "
                            "being right would be rarer than 1 - c if it did not hold.", "from 1",
                            "Wilks, Ann. Math. Stat. 1941"),
    "films_needed": Term("Films needed", "How many films with the finding an interval of the wanted width takes, with "
                         "patients who have as many films as here.", "from 1", "Kish, Survey Sampling, 1965; for AUROC "
                         "Hanley and McNeil, Radiology 1982"),
    "patients_to_tell": Term("Patients to tell two runs apart", "Patients, with films as these have, on whom a "
                             "difference as large as the one at hand would be told with a chance of 80 %, by a "
                             "two-sided test at 5 %, from its standard error in paired draws.", "from 1; none where "
                             "the runs do not differ", "Efron and Tibshirani, An Introduction to the Bootstrap, 1993"),
    "worth_of_a_seed": Term("Patients worth a seed", "How many times the patients tell as much of the mean of repeats "
                            "as one repeat more.", "from 1; none where seeds differ more than patients could tell",
                            "Bouthillier et al., MLSys 2021"),
    # -- scores as probabilities
    "score": Term("Score", "What the network says of a finding.", "0 to 1; a probability only where it is calibrated",
                  "the network's output through the logistic function"),
    "calibrated": Term("Calibrated score", "The score as a probability, by Platt's map fitted on the run's validation "
                       "films; none where these hold too few with the finding, or without it.", "0 to 1, with no more "
                       "decimals than those films bear", "Platt, Advances in Large Margin Classifiers, 1999"),
    "calibrated_on": Term("Films behind it", "Validation films with the finding, which the calibrated score rests on.",
                          "a count; below 5 nothing is calibrated", _COUNTED),
    "percentile": Term("Percentile", "The share of the run's validation films that score no higher.", "0 to 100 %",
                       _COUNTED),
    "brier": Term("Brier score", "The mean squared difference between score and label; a rare finding's is small "
                  "whatever the scores.", "0 to 1, lower is better", "Brier, Mon. Weather Rev. 1950"),
    "ece": Term("ECE (expected calibration error)", "The films' mean gap between score and observed share, over bins "
                "of equal width.", "0 to 1, lower is better", "Naeini, Cooper and Hauskrecht, AAAI 2015"),
    # -- how sure
    "interval": Term("95 % interval", "The central 95 % of the values in draws of whole patients, since films of one "
                     "patient resemble each other.", "narrower is surer", "Field and Welsh, J. R. Stat. Soc. B 2007"),
    "p": Term("p, corrected", "The chance of a difference this large if there were none, by the draws' standard error, "
              "corrected by Holm for the number of tests.", "0 to 1; below 0.05 counts as a difference",
              "Holm, Scand. J. Stat. 1979"),
    "difference": Term("Macro difference", "The run's macro mean minus that of the run it is held against.",
                       "above 0 is better, but for Brier score and ECE", _COUNTED),
    "gap": Term("Gap", "A measure of one group of patients minus that of another.", "-1 to 1; 0 is no gap",
                "Seyyed-Kalantari et al., Nat. Med. 2021"),
    "verdicts": Term("Findings by verdict", "How many findings the corrected tests call better, tied or worse, or "
                     "could not test.", "0 to the number of findings", _COUNTED),
    "spread": Term("Spread of runs", "Mean, standard deviation, least and most of the macro means of the runs of one "
                   "architecture.", "as the measure's own", _COUNTED),
    "seed_mean": Term("Mean of repeats", "The mean of a training's runs, which differ in their seed alone; its "
                      "95 % interval over patients is that of this mean, worked out draw by draw.",
                      "as the measure's own", "Bouthillier et al., MLSys 2021"),
    "seed_spread": Term("Standard deviation over seeds", "How far the runs of one training lie from their mean on the "
                        "same films (n - 1): how far another seed moves one run. It says nothing of other patients.",
                        "from 0; smaller is steadier", "Bouthillier et al., MLSys 2021"),
    "seed_difference": Term("Difference over seeds", "The 95 % interval of the difference of two trainings' means, had "
                            "both been trained with other seeds, on these very films: Welch's, or Student's of pairs "
                            "where one network was trained from the same seeds. Patients have another interval.",
                            "-1 to 1; seeds alone may explain one that holds 0", "Welch, Biometrika 1947"),
    "threshold_spread": Term("Threshold over seeds", "The standard deviation of the thresholds that the same aim was "
                             "fitted to, for each run of a training by itself.", "from 0; a small one moves little "
                             "with the seed", "Bouthillier et al., MLSys 2021"),
    "agreement": Term("All agree", "The share of the films on which all runs say yes or all say no.", "0 to 100 %",
                      _COUNTED),
    # -- maps against boxes
    "hit": Term("Pointing game", "The share of the films whose hottest place lies in a box.", _UNIT,
                "Zhang et al., ECCV 2016"),
    "iou": Term("IoU (intersection over union)", "The share of the films where the box around the hottest 5 % of the "
                "map and the true box overlap by more than the cut.", _UNIT,
                "Everingham et al., Int. J. Comput. Vis. 2010"),
    "iobb": Term("IoBB (intersection over the detected box)", "The same overlap as a share of the map's own box.",
                 _UNIT, "Wang et al., CVPR 2017"),
    "energy": Term("Energy in box", "The mean share of the map's sum that lies in the boxes.", _UNIT,
                   "Wang et al., CVPR Workshops 2020"),
    "floor": Term("Floor", "What the same boxes give without a trained network: a random place, the film's centre, "
                  "the median box, random weights.", "0 to 1; a map has to lie above", "measured by this workbench"),
    # -- films, patients, data sets
    "films": Term("Films", "Radiographs, whether they lie on this disk or not.", "a count", "the data set's table"),
    "measured_films": Term("Films", "Films that the numbers come from.", "a count", "the stored predictions"),
    "patients": Term("Patients", "People; a patient's films resemble each other, so a split must not part them.",
                     "a count", "the data set's table"),
    "films_per_patient": Term("Films per patient", "Median and greatest number of films of one patient.", "from 1",
                              "the data set's table"),
    "prevalence": Term("Prevalence", "The share of the films whose label has the finding.", "0 to 100 %",
                       "the data set's labels"),
    "without_finding": Term("Without a finding", "The share of the films that have none of its findings.",
                            "0 to 100 %", "the data set's labels"),
    "ap_films": Term("AP films (anteroposterior)", "The share taken from front to back, mostly at the bedside of the "
                     "sicker; the others are PA (posteroanterior), taken standing.", "0 to 100 %",
                     "the data set's table"),
    "share": Term("Share of films", "The part's films among all films.", "0 to 100 %", "the split"),
    "accuracy": Term("Mean accuracy", "For each finding the share of the films without it, which a program that never "
                     "raises an alarm gets right, averaged over the findings.", "0 to 100 %", _COUNTED),
    "findings_counted": Term("Findings", "Findings inside the mean: those with positive films wherever it is read.",
                             "0 to the number of findings", _COUNTED),
    # -- training and cost
    "best_epoch": Term("Best epoch", "The epoch with the best validation macro AUROC; its weights are the ones "
                       "measured.", "from 1", _RECORDED),
    "loss": Term("Loss", "What training minimises, averaged over films and findings.", "from 0, lower is better; "
                 "different losses lie on different scales", _RECORDED),
    "learning_rate": Term("Learning rate", "How far a step of training moves the weights.", "above 0", _RECORDED),
    "n_parameters": Term("Parameters", "Numbers that training adjusts.", "a count", _RECORDED),
    "gmacs": Term("GMACs", "Thousand million multiply-adds to score one film.", "above 0", _RECORDED),
    "milliseconds_per_film": Term("ms per film", "Milliseconds to score one film by itself.", "above 0; depends on the "
                                  "machine", _RECORDED),
    "images_per_second": Term("Images/s", "Films that training took in a second.", "above 0; depends on the machine",
                              _RECORDED),
    "training_seconds": Term("Training time", "How long all epochs took.", "above 0; depends on the machine",
                             _RECORDED),
    "checkpoint_bytes": Term("Checkpoint", "The size of the file of weights.", "above 0", _RECORDED),
}


def meaning(key: str, more: str = "") -> str:
    """The help beside one number, as Markdown.

    Args:
        key: of `TERMS`.
        more: a sentence on this very place, such as what the number was measured on.
    """
    term = TERMS[key]
    return f"**{term.name}.** {' '.join(filter(None, (term.definition, more)))}\n\n" \
           f"Range: {term.range}.\n\nSource: {term.source}."


def meanings(keys: Iterable[str], more: str = "") -> str:
    """The help beside a choice of several, as a Markdown list; arguments as in `meaning`."""
    lines = [f"- **{term.name}.** {term.definition} {term.range[:1].upper()}{term.range[1:]} ({term.source})."
             for term in map(TERMS.__getitem__, keys)]
    return "\n".join(lines) + (f"\n\n{more}" if more else "")
