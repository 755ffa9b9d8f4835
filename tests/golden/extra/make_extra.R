# Writes data/*.csv and expected/*.json of the further cases. Run in this folder: Rscript make_extra.R
# The layout and the helpers are those of ../oracle.
source("../oracle/oracle_lib.R")
set.seed(7)
unlink("expected", recursive = TRUE)
unlink("data", recursive = TRUE)
library(survey)
data(api); data(mu284); data(hospital); data(yrbs)
one <- function(px, d, m, f, mean = NULL, total = NULL, by = NULL, by_y = NULL, ratio = NULL, ratio_by = NULL, cov = TRUE) {
  if (length(mean)) c_mean(px, d, m, f, mean)
  if (length(total)) c_total(px, d, m, f, total)
  for (b in by) { c_by(px, d, m, f, by_y, b, cov = cov); c_by(px, d, m, f, by_y, b, svytotal, "svytotal", cov = cov) }
  if (length(ratio)) c_ratio(px, d, m, f, ratio[1], ratio[2], by = ratio_by)
}

## two stages, both populations known, weights implied; and the same as sampling fractions; and the first stage alone
f <- put_csv(mu284, "mu284")
one("mu284", svydesign(~id1 + id2, fpc = ~n1 + n2, data = mu284), meta(c("id1", "id2"), fpc = c("n1", "n2")), f, "y1", "y1", list("id1"), "y1")
mu <- mu284; mu$f1 <- 5 / mu$n1; mu$f2 <- ave(mu$id2, mu$id1, FUN = length) / mu$n2; f <- put_csv(mu, "mu284_fractions")
one("mu284_fractions", svydesign(~id1 + id2, fpc = ~f1 + f2, data = mu), meta(c("id1", "id2"), fpc = c("f1", "f2")), f, "y1", "y1")

## hospitals: strata, unequal weights, populations by stratum
h <- hospital; f <- put_csv(h, "hospital")
d <- svydesign(~1, strata = ~oblevel, fpc = ~tothosp, weights = ~weighta, data = h); m <- meta(strata = "oblevel", fpc = "tothosp", weights = "weighta")
h2 <- names(h); one("hospital", d, m, f, "births", "births", list("oblevel"), "births")

## yrbs: many strata, PSU labels not repeated, many missing answers, character and numeric domains
y <- yrbs[yrbs$stratum %in% sort(unique(yrbs$stratum))[1:8], ]; y <- y[runif(nrow(y)) < .4, ]; y$qn9 <- ifelse(runif(nrow(y)) < .1, NA, 1 + (runif(nrow(y)) < .4)); y$qn10 <- sample(c(1, 2, 10), nrow(y), TRUE); f <- put_csv(y, "yrbs_part")
d <- svydesign(id = ~psu, weights = ~weight, strata = ~stratum, data = y); m <- meta("psu", "stratum", weights = "weight")
one("yrbs", d, m, f, c("qn8", "qn9"), "qn8")
y$safe <- factor(y$qn8 == 2); y$grp <- ifelse(y$qn9 == 1, "seat, \"belt\"", "other"); f <- put_csv(y[c("psu", "stratum", "weight", "qn8", "qn10", "safe", "grp")], "yrbs_text")
d <- svydesign(id = ~psu, weights = ~weight, strata = ~stratum, data = y); one("yrbs_text", d, m, f, "safe", "safe", list("grp", c("grp", "qn10")), "qn8", c("qn8", "qn10"), "grp", cov = FALSE)
d2 <- subset(d, qn10 == 2 & (grp == "other" | stratum %in% c(111, 121, 211))); m2 <- c(m, list(subset = "qn10 == 2 & (grp == 'other' | stratum %in% c(111, 121, 211))"))
one("yrbs_subset", d2, m2, f, c("qn8", "safe"), "qn8", list("grp"), "qn8", cov = FALSE)

## three stages, strata at the second stage, and fractions at two of them
n <- 6; z <- expand.grid(c = 1:3, b = 1:4, a = 1:n); z$s2 <- ifelse(z$b <= 2, "p", "q"); z$st <- ifelse(z$a <= 3, "north", "south")
z$x <- round(rnorm(n)[z$a] * 3 + rnorm(nrow(z)) + 20, 3); z$g <- sample(c("u", "v", "w"), nrow(z), TRUE); z$N1 <- ifelse(z$st == "north", 12, 20); z$N2 <- ifelse(z$s2 == "p", 5, 9) + z$a; z$N3 <- 4 + z$b; z$den <- round(runif(nrow(z), 1, 3), 3); z$x[c(3, 40, 41)] <- NA
f <- put_csv(z, "three_stages")
d <- svydesign(~a + b + c, strata = ~st, fpc = ~N1 + N2 + N3, data = transform(z, N2 = 20)); zz <- transform(z, N2 = 20); f <- put_csv(zz, "three_stages")
one("three_stages", d, meta(c("a", "b", "c"), strata = "st", fpc = c("N1", "N2", "N3")), f, "x", "x", list("g", c("g", "st")), "x", c("x", "den"), "g")
d <- svydesign(~a + b, strata = ~st + s2, fpc = ~N1 + N2, data = z); f <- put_csv(z, "second_stage_strata")
one("second_stage_strata", d, meta(c("a", "b"), strata = c("st", "s2"), fpc = c("N1", "N2")), f, "x", "x", list("g"), "x", c("x", "den"), "g")
z$b2 <- z$b; z$a2 <- ifelse(z$st == "north", z$a, z$a - 3)
f <- put_csv(z, "nested_two_stages")
one("nested_two_stages", svydesign(~a2 + b2, strata = ~st, fpc = ~N1 + N3, data = transform(z, N3 = 40), nest = TRUE), meta(c("a2", "b2"), strata = "st", fpc = c("N1", "N3"), nest = TRUE), put_csv(transform(z, N3 = 40), "nested_two_stages"), "x", "x", list("g"), "x")

## lonely PSUs at the second stage and in domains of clustered, finite populations
l <- z[!(z$a == 2 & z$b > 1), ]; l <- l[!(l$st == "south" & l$a > 4), ]; l$N2 <- 20; f <- put_csv(l, "lonely_stages")
for (o in c("remove", "adjust", "certainty", "average")) for (dl in c(FALSE, TRUE)) { options(survey.lonely.psu = o, survey.adjust.domain.lonely = dl)
  m <- meta(c("a", "b"), strata = "st", fpc = c("N1", "N2"), lonely_psu = o); m$adjust_domain_lonely <- dl
  d <- svydesign(~a + b, strata = ~st, fpc = ~N1 + N2, data = l)
  one(paste("lonely_stages", o, if (dl) "domain" else "plain", sep = "_"), d, m, f, "x", "x", list("g", "b"), "x", c("x", "den"), "g", cov = FALSE)
  m <- meta("a", strata = "st", fpc = "N1", lonely_psu = o); m$adjust_domain_lonely <- dl
  d <- svydesign(~a, strata = ~st, fpc = ~N1, data = l)
  one(paste("lonely_first", o, if (dl) "domain" else "plain", sep = "_"), d, m, f, "x", "x", list("g", "b"), "x", c("x", "den"), "b", cov = TRUE) }
options(survey.lonely.psu = "fail", survey.adjust.domain.lonely = FALSE)

## logical, quoted and missing values; a variable that is missing for a whole domain; domains of one PSU; integer strata
data(nhanes); t <- apistrat; t$is_big <- t$enroll > 500; t$words <- ifelse(t$comp.imp == "Yes", "met, in full", ifelse(runif(200) < .1, NA, "not \"met\"")); t$api00[t$stype == "H" & runif(200) < .5] <- NA; t$is_big[5] <- NA; t$k <- 10 * as.integer(t$stype); t$dn <- t$cnum %% 11
k <- c("k", "pw", "fpc", "is_big", "words", "api00", "enroll", "api.stu", "dn"); f <- put_csv(t[k], "words"); d <- svydesign(~1, strata = ~k, weights = ~pw, fpc = ~fpc, data = t); m <- meta(strata = "k", weights = "pw", fpc = "fpc")
one("words", d, m, f, c("is_big", "words", "api00"), c("is_big", "words", "api00"), list("words", "is_big", c("dn", "words")), "api00", c("api.stu", "enroll"), "dn", cov = FALSE)
one("words_clusters", svydesign(~dn, weights = ~pw, data = t), meta("dn", weights = "pw"), f, c("is_big", "api00"), "api00", list("dn", c("words", "is_big")), "api00", c("api00", "enroll"), "words", cov = FALSE)
## weights far from a population: larger than it, equal to it, and none
u <- transform(apisrs, w1 = 1, w2 = pw / sum(pw) * 50); f <- put_csv(u[c("api00", "enroll", "stype", "w1", "w2", "pw")], "scaled_weights")
one("weights_of_one", svydesign(~1, weights = ~w1, data = u), meta(weights = "w1"), f, "api00", "api00", list("stype"), "api00", c("api00", "enroll"))
one("weights_below_one", svydesign(~1, weights = ~w2, data = u), meta(weights = "w2"), f, "api00", "api00", list("stype"), "api00", c("api00", "enroll"))
one("no_weights", svydesign(~1, data = u), meta(), f, c("api00", "stype"), "api00", list("stype"), "api00")
## values that are large beside their spread
b <- transform(apistrat, year = 2e6 + api00 / 1000); f <- put_csv(b[c("stype", "pw", "fpc", "year", "sch.wide")], "large_values")
one("large_values", svydesign(~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = b), meta(strata = "stype", weights = "pw", fpc = "fpc"), f, "year", NULL, NULL)

## municipalities: two stages with different sizes, and strata with a part census
if (requireNamespace("sampling", quietly = TRUE)) { data(belgianmunicipalities, package = "sampling"); g <- belgianmunicipalities; g <- g[g$Arrondiss %in% sample(unique(g$Arrondiss), 14), ]; g <- do.call(rbind, lapply(split(g, g$Arrondiss), function(q) q[sample(nrow(q), min(nrow(q), 5)), ])); full <- belgianmunicipalities
  g$N1 <- length(unique(full$Arrondiss)); g$N2 <- as.integer(table(full$Arrondiss)[as.character(g$Arrondiss)]); g$up <- g$Tot04 > g$Tot03; g$size <- as.character(cut(g$Tot04, c(0, 8000, 16000, Inf), c("S", "M", "L"))); f <- put_csv(g[c("INS", "Province", "Arrondiss", "Tot04", "Tot03", "TaxableIncome", "averageincome", "N1", "N2", "up", "size")], "belgium_extra")
  one("belgium", svydesign(~Arrondiss + INS, fpc = ~N1 + N2, data = g), meta(c("Arrondiss", "INS"), fpc = c("N1", "N2")), f, c("averageincome", "up", "size"), c("Tot04", "up"), list("size", "Province", c("size", "up")), "averageincome", c("Tot04", "Tot03"), "size")
  data(swissmunicipalities, package = "sampling"); s <- swissmunicipalities; s$st <- paste0("R", s$REG); s$Nh <- as.integer(table(s$st)[s$st]); s <- do.call(rbind, lapply(split(s, s$st), function(q) q[sample(nrow(q), 15), ])); s$pw <- s$Nh / 15; s$aging <- s$Pop65P / s$POPTOT > .15; f <- put_csv(s[c("st", "CT", "REG", "COM", "POPTOT", "H00PTOT", "H00P01", "Airbat", "HApoly", "aging", "Nh", "pw")], "swiss_extra")
  one("swiss", svydesign(~1, strata = ~st, weights = ~pw, fpc = ~Nh, data = s), meta(strata = "st", weights = "pw", fpc = "Nh"), f, c("POPTOT", "aging"), c("POPTOT", "aging"), list("aging", "CT"), "POPTOT", c("H00P01", "H00PTOT"), "REG", cov = FALSE) }

## replicates: combined with the weights, vanishing domains, missing answers, subsets
mk <- function(nm, base, type, m, data, y, by, ratio, mse = FALSE, combined = FALSE, keep = NULL, subset_text = NULL, ...) {
  rd <- as.svrepdesign(base, type = type, mse = mse, compress = FALSE, ...); w <- matrix(as.numeric(unclass(as.matrix(weights(rd, "replication")))), nrow(base$variables)); if (combined) w <- w * weights(rd, "sampling")
  r2 <- svrepdesign(variables = base$variables, repweights = w, weights = weights(rd, "sampling"), type = "other", scale = rd$scale, rscales = rd$rscales, combined.weights = combined, mse = mse)
  f <- put_csv(setNames(as.data.frame(w), paste0("r", seq_len(ncol(w)))), paste0("rep_", nm)); m$replicates <- rep_meta(r2, type, f); m$replicates$combined_weights <- combined
  if (!is.null(keep)) { r2 <- r2[keep, ]; m$subset <- subset_text }
  c_mean(paste0("rep_", nm), r2, m, c(data, f), y); c_total(paste0("rep_", nm), r2, m, c(data, f), y[1]); for (b in by) c_by(paste0("rep_", nm), r2, m, c(data, f), y[1], b, cov = FALSE); c_by(paste0("rep_", nm), r2, m, c(data, f), y[1], by[[1]], svytotal, "svytotal", cov = FALSE); c_ratio(paste0("rep_", nm), r2, m, c(data, f), ratio[1], ratio[2], by = by[[1]][1]) }
q <- apiclus1; q$few <- ifelse(q$dnum == 61, "only61", ifelse(q$dnum %in% c(135, 178), "two", "rest")); q$api00[c(2, 60, 100)] <- NA; f <- put_csv(q[c("dnum", "pw", "fpc", "stype", "few", "api00", "enroll", "api.stu", "sch.wide")], "clus1_few")
base <- svydesign(~dnum, weights = ~pw, data = q); m <- meta("dnum", weights = "pw")
mk("jk1_few", base, "JK1", m, f, c("api00", "enroll", "sch.wide"), list("few", c("few", "stype")), c("api.stu", "enroll"))
mk("jk1_few_mse", base, "JK1", m, f, c("api00", "enroll"), list("few"), c("api.stu", "enroll"), mse = TRUE, combined = TRUE)
mk("boot_few", base, "bootstrap", m, f, c("api00", "enroll"), list("few"), c("api.stu", "enroll"), replicates = 40)
mk("boot_subset", base, "bootstrap", m, f, c("api00", "enroll"), list("few"), c("api.stu", "enroll"), replicates = 40, keep = q$stype == "E" & q$enroll > 300, subset_text = "stype == 'E' & enroll > 300")
write_index()
