# Writes design.yaml, answers.csv, ballots.csv and expected.json. Run in this folder: Rscript make_two_stage.R
# A made-up sample of two stages: villages drawn with unequal probabilities, a few people in each, one adult a
# household. The weights are made here from the frame's counts, step by step and person by person, and R's survey
# package gives the estimates, the standard errors and the raked weights.
library(survey)
library(jsonlite)
set.seed(20260701)

## the frame: 4 units, two strata each, villages of very different sizes, drawn by their size
units <- c("u1", "u2", "u3", "u4")
frame <- do.call(rbind, lapply(units, function(u) do.call(rbind, lapply(c("rural", "urban"), function(s) {
  sizes <- round(exp(rnorm(12, 6, 0.7))) + 60
  m <- sample(4:6, 1)
  chances <- pmin(1, m * sizes / sum(sizes))
  drawn <- sort(sample(12, m, prob = sizes))
  data.frame(unit = u, stratum = s, psu = paste("Khu", drawn), population = sizes[drawn], probability = round(chances[drawn], 6))
}))))
frame$n <- sample(8:20, nrow(frame), TRUE)
frame$n[c(3, 17)] <- 0 # nobody answered there

## the people who answered
x <- frame[rep(seq_len(nrow(frame)), frame$n), c("unit", "stratum", "psu")]
n <- nrow(x)
village <- interaction(x$unit, x$stratum, x$psu, drop = TRUE)
level <- rnorm(nlevels(village), 3.4, 0.5)[village] + match(x$unit, units) * 0.15
draw <- function(shift) pmin(5, pmax(1, round(level + shift + rnorm(n, 0, 0.9))))
x$a <- draw(0); x$b <- draw(0.3); x$c <- draw(-0.2)
x$b[runif(n) < 0.12] <- NA
x$c[runif(n) < 0.04] <- NA
x$sex <- sample(c("female", "male"), n, TRUE, c(0.6, 0.4))
x$age <- sample(c(18, 35, 55), n, TRUE, c(0.2, 0.35, 0.45))
x$age[runif(n) < 0.05] <- NA
x$adults <- pmin(6, 1 + rpois(n, 1.4))
x$adults[runif(n) < 0.06] <- NA

## the weights
place <- match(paste(x$unit, x$stratum, x$psu), paste(frame$unit, frame$stratum, frame$psu))
expanded <- frame$population / frame$probability
strata <- paste(frame$unit, frame$stratum)
for (i in seq_len(n)) {
  own <- strata == strata[place[i]]
  shared <- sum(expanded[own]) / sum(expanded[own & frame$n > 0])
  same <- paste(x$unit, x$stratum) == strata[place[i]]
  household <- if (is.na(x$adults[i])) mean(x$adults[same], na.rm = TRUE) else x$adults[i]
  x$weight[i] <- expanded[place[i]] * shared / frame$n[place[i]] * household
}

## the margins: sex in each unit, age in the whole round
people <- round(tapply(x$weight, x$unit, sum) * 1.07)
sex <- t(sapply(units, function(u) c(female = round(people[[u]] * 0.51), male = people[[u]] - round(people[[u]] * 0.51))))
all <- sum(people)
age <- c("18" = round(all * 0.33), "35" = round(all * 0.37))
age["55"] <- all - sum(age)

scored <- transform(x, a = 25 * (a - 1), b = 25 * (b - 1), c = 25 * (c - 1))
designed <- function(w) svydesign(ids = ~psu, strata = ~interaction(unit, stratum), weights = w, data = scored, nest = TRUE)
d <- designed(~weight)

## raking: who did not say the age keeps their share of the people
silent <- sum(x$weight[is.na(x$age)]) / sum(x$weight)
d$variables$age_said <- factor(ifelse(is.na(x$age), "silent", x$age))
d$variables$unit_sex <- factor(paste(x$unit, x$sex))
targets <- c(age * (1 - silent), silent = all * silent)
pop_sex <- data.frame(unit_sex = paste(rep(units, 2), rep(c("female", "male"), each = 4)), Freq = c(sex[, "female"], sex[, "male"]))
pop_age <- data.frame(age_said = names(targets), Freq = as.numeric(targets))
raked <- rake(d, list(~unit_sex, ~age_said), list(pop_sex, pop_age), control = list(maxit = 2000, epsilon = 1e-12))
x$raked <- scored$raked <- weights(raked)

## estimates of the items, and of an index of 1/2 a + 1/6 b + 1/3 c with each item over those who answered it
estimates <- function(design) {
  one <- function(sub, name) {
    items <- lapply(c("a", "b", "c"), function(v) {
      e <- svymean(as.formula(paste0("~", v)), subset(sub, !is.na(sub$variables[[v]])))
      list(estimate = coef(e)[[1]], se = SE(e)[[1]])
    })
    names(items) <- c("a", "b", "c")
    for (v in c("a", "b", "c")) {
      said <- !is.na(sub$variables[[v]])
      sub$variables[[paste0("n_", v)]] <- as.numeric(said)
      sub$variables[[paste0("s_", v)]] <- ifelse(said, sub$variables[[v]], 0)
    }
    totals <- svytotal(~s_a + s_b + s_c + n_a + n_b + n_c, sub)
    index <- svycontrast(totals, quote(s_a / n_a / 2 + s_b / n_b / 6 + s_c / n_c / 3))
    list(unit = name, df = degf(sub), n = nrow(sub), items = items, index = list(estimate = coef(index)[[1]], se = SE(index)[[1]]))
  }
  c(lapply(units, function(u) one(subset(design, unit == u), u)), list(one(design, "all")))
}
# Raked weights are taken as design weights, which is what the analysis does and says.
expected <- list(weights = estimates(d), raked = estimates(designed(~raked)))

## ballots that rate several units: 3 strata of firms, each firm rates 1 to 4 of 6 departments
firms <- data.frame(ballot = sprintf("b%03d", 1:160), stratum = sample(c("large", "small", "household"), 160, TRUE, c(0.2, 0.5, 0.3)))
counted <- c(household = 5200, large = 180, small = 1490)
firms$level <- rnorm(160, 3.3, 0.8)
ratings <- do.call(rbind, lapply(seq_len(160), function(i) {
  chosen <- sample(paste0("d", 1:6), sample(4, 1))
  data.frame(firms[rep(i, length(chosen)), ], unit = chosen, row.names = NULL)
}))
ratings$q <- pmin(5, pmax(1, round(ratings$level + rnorm(nrow(ratings), 0, 0.7))))
ratings$q[runif(nrow(ratings)) < 0.05] <- NA
ratings <- ratings[sample(nrow(ratings)), c("ballot", "stratum", "unit", "q")]
ratings$weight <- as.numeric(counted[ratings$stratum] / table(firms$stratum)[ratings$stratum])
r <- svydesign(ids = ~ballot, strata = ~stratum, weights = ~weight, data = transform(ratings, q = 25 * (q - 1)), nest = TRUE)
expected$ballots <- lapply(c(paste0("d", 1:6), "all"), function(u) {
  sub <- if (u == "all") r else subset(r, unit == u)
  e <- svymean(~q, subset(sub, !is.na(q)))
  list(unit = u, df = degf(sub), estimate = coef(e)[[1]], se = SE(e)[[1]])
})

## the files
cells <- sprintf('  - {unit: "%s", stratum: %s, psu: "%s", population: %d, probability: %s}', frame$unit, frame$stratum, frame$psu, frame$population, format(frame$probability, scientific = FALSE, trim = TRUE))
margins <- c(sprintf('  - {item: sex, unit: "%s", totals: {female: %d, male: %d}}', units, sex[, "female"], sex[, "male"]),
  sprintf('  - {item: age, totals: {"18": %d, "35": %d, "55": %d}}', age["18"], age["35"], age["55"]))
writeLines(c("design: 1", "strata: [unit, stratum]", "clusters: [psu]", "household: adults", "cells:", cells, "margins:", margins), "design.yaml")
write.csv(x[sample(n), ], "answers.csv", row.names = FALSE, na = "")
write.csv(ratings, "ballots.csv", row.names = FALSE, na = "")
expected <- c(list(made_with = paste(R.version.string, "survey", packageVersion("survey")), firms = as.list(counted)), expected)
writeLines(toJSON(expected, auto_unbox = TRUE, digits = NA, pretty = TRUE), "expected.json")
