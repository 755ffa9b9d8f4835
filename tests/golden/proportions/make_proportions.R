# Writes cases.json: further expected results of the R package survey for quantiles, proportions and tests, on the
# data of ../oracle and ../extra. Run in this folder: Rscript make_proportions.R
# The layout of a case and the helpers are those of ../oracle; paths of data begin at the folder above. What follows
# from other fields or is no part of a kind (ci_normal, deff, n, empty fields) is left out.
# Left out as well is where R gives what cannot be meant: t tests with one degree of freedom have no interval (qnorm of a
# level that rounds to 1), beta quantiles without a variance are those at 1/2 (qbeta of infinite parameters), hf4 has no
# value at the end of ties (0/0).
source("../oracle/oracle_lib.R")
CASES <- list()
emit <- function(case, kind, data, design, estimator, r_call, results, vcov = NULL, tol = 1e-9, extra = NULL)
  CASES[[length(CASES) + 1]] <<- list(case = case, kind = kind, data = I(as.character(unlist(data))), design = design, estimator = estimator,
    r_call = r_call, tolerance = tol, results = lapply(results, function(r) { r[c("ci_normal", "deff", "deff_replace", "n")] <- NULL; r[!sapply(r, is.null) | names(r) %in% c("estimate", "se", "ci", "df", "t", "p_value")] }))
table_of <- function(file) read.csv(file.path("..", file), na.strings = c("", "NA"), check.names = FALSE)
plain <- function(m, data, ...) { options(survey.lonely.psu = m$lonely_psu, survey.adjust.domain.lonely = isTRUE(m$adjust_domain_lonely))
  f <- function(names) if (length(names)) as.formula(paste("~", paste(sprintf("`%s`", names), collapse = "+"))) else NULL
  args <- list(ids = if (identical(as.character(m$ids), "1")) ~1 else f(m$ids), strata = f(m$strata), fpc = f(m$fpc), weights = f(m$weights), nest = m$nest, data = data)
  do.call(svydesign, args[!sapply(args, is.null)]) }
replicated <- function(m, data, kind, file, count, scale, mse = FALSE, combined = FALSE) { w <- as.matrix(table_of(file)); base <- plain(m, data)
  d <- svrepdesign(variables = data, repweights = w, weights = weights(base, "sampling"), type = "other", scale = scale, rscales = rep(1, count), combined.weights = combined, mse = mse)
  m$replicates <- list(type = kind, file = file, n_replicates = count, scale = scale, rscales = I(rep(1, count)), combined_weights = combined, mse = mse); list(d = d, m = m) }
of_oracle <- function(case) jsonlite::fromJSON(file.path("..", case), simplifyVector = TRUE)$design
rep_of <- function(file, design_case) { o <- of_oracle(design_case); m <- meta(o$ids, o$strata, o$fpc, o$weights, o$nest); data <- table_of(file)
  p <- o$replicates; folder <- dirname(dirname(design_case)); base <- plain(m, data)
  d <- svrepdesign(variables = data, repweights = as.matrix(table_of(file.path(folder, p$file))), weights = weights(base, "sampling"), type = "other", scale = p$scale, rscales = p$rscales, combined.weights = p$combined_weights, mse = p$mse)
  p$file <- file.path(folder, p$file); p$rscales <- I(p$rscales); p$note <- NULL; m$replicates <- p; list(d = d, m = m, f = c(file, p$file)) }
ALL_RULES <- lapply(c("math", "school", "shahvaish", paste0("hf", 1:9)), function(r) c(r, "mean"))
FEW <- list(c("math", "mean"), c("hf7", "xlogit"), c("math", "beta"), c("school", "asin"))
q_all <- function(px, d, m, f, y, q = c(.1, .25, .5, .75, .9), by = NULL, which = FEW) for (z in which) try_emit(paste(px, z), {
  if (isrep(d) && z[2] != "mean") next
  one <- function(s, dom) { a <- svyquantile(fm(y), s, q, qrule = z[1], interval.type = z[2], na.rm = TRUE, ci = TRUE)[[1]]
    lapply(seq_along(q), function(i) row_(paste0(y, "@", q[i]), a[i, 1], a[i, 4], dg(s), ci = a[i, 2:3], df_design = if (isrep(d)) NULL else dg(d), domain = dom)) }
  res <- if (is.null(by)) one(d, NULL) else do.call(c, lapply(sort(unique(as.character(d$variables[[by]]))), function(l) one(sub_dom(d, by, setNames(list(l), by)), setNames(list(l), by))))
  emit(paste(px, "q", y, z[1], z[2]), if (isrep(d)) "svyquantile_rep" else "svyquantile", f, m, list(type = "svyquantile", variables = I(y), quantiles = q, qrule = z[1], interval_type = z[2], by = by, na_rm = TRUE), "svyquantile", res) })
q_rep <- function(px, d, m, f, y, q = c(.25, .5, .75)) try_emit(px, { a <- svyquantile(fm(y), d, q, interval.type = "quantile", na.rm = TRUE)[[1]]
  emit(paste(px, "q", y, "replicates"), "svyquantile_rep", f, m, list(type = "svyquantile", variables = I(y), quantiles = q, interval_type = "quantile"), "svyquantile(interval.type = 'quantile')", lapply(seq_along(q), function(i) row_(paste0(y, "@", q[i]), a[i, 1], a[i, 4], dg(d), ci = a[i, 2:3]))) })
chi <- function(px, d, m, f, a, b) try_emit(paste(px, a, b), { c_chisq(px, d, m, f, a, b)
  r <- suppressWarnings(svychisq(as.formula(sprintf("~%s+%s", a, b)), d, statistic = "saddlepoint")); emit(paste(px, "saddlepoint", a, b), "svychisq", f, m, list(type = "svychisq", variables = I(c(a, b)), statistics = I("saddlepoint")), "svychisq(statistic = 'saddlepoint')",
    list(row_("svychisq_saddlepoint", as.numeric(r$statistic), df_design = dg(d), method = "saddlepoint", parameter = NULL, p_value = as.numeric(r$p.value))), tol = 1e-5) })
# More than two groups: R 4.1 names the statistic and its degrees of freedom the wrong way round.
ranks <- function(px, d, m, f, y, g) try_emit(paste(px, g), { res <- lapply(c("wilcoxon", "vanderWaerden", "median"), function(tt) { r <- svyranktest(as.formula(paste(y, "~", g)), d, test = tt)
    row_(tt, NA, df = NA, p_value = as.numeric(r$p.value), parameter = list(chi2 = as.numeric(r$parameter), ndf = as.numeric(r$statistic), ddf = as.numeric(r$ddf))) })
  for (i in seq_along(res)) res[[i]]$df <- res[[i]]$parameter$ddf
  emit(paste(px, "ranks", y, g), "svyranktest", f, m, list(type = "svyranktest", formula = paste(y, "~", g)), "svyranktest", res) })
tt <- function(px, d, m, f, formula) try_emit(paste(px, formula), { r <- svyttest(as.formula(formula), d, na.rm = TRUE); emit(paste(px, "ttest", formula), "svyttest", f, m, list(type = "svyttest", formula = formula), sprintf("svyttest(%s)", formula),
    list(row_("difference", r$estimate, df = r$parameter, ci = as.numeric(r$conf.int), t = as.numeric(r$statistic), p_value = as.numeric(r$p.value)))) })

## strata with populations, text and logical columns, missing values, domains with one row and with equal answers
f <- "extra/data/words.csv"; x <- table_of(f); m <- meta(strata = "k", fpc = "fpc", weights = "pw"); d <- plain(m, x)
c_prop("words", d, m, f, "is_big", "is_big", by = "words"); c_prop("words", d, m, f, "api00 > 600 & words == 'met, in full'", "both", by = "k"); c_prop("words", d, m, f, "enroll >= 200 | is.na(api00)", "mostly", by = "dn"); c_prop("words", d, m, f, "!(dn %in% c(1, 2, 3)) & (enroll - api.stu) / 2 < 30", "sums", by = "is_big")
q_all("words", d, m, f, "api00", which = c(ALL_RULES, FEW[-1])); q_all("words", d, m, f, "enroll", c(.02, .5, .98), by = "dn", which = FEW[1:2]); chi("words", d, m, f, "words", "is_big"); chi("words", d, m, f, "dn", "k")
for (fo in c("api00 ~ is_big", "api00 ~ words", "I(enroll - api.stu) ~ 0", "api00 ~ 1", "log(enroll) ~ words", "api00 ~ I(enroll > 400)")) tt("words", d, m, f, fo)
for (g in c("is_big", "words")) c_rank("words", d, m, f, "api00", g); ranks("words", d, m, f, "api00", "dn")
## the same rows in clusters, without populations
m <- meta("dn", weights = "pw"); d <- plain(m, x); c_prop("words_clusters", d, m, f, "is_big", "is_big", by = "words"); c_prop("words_clusters", d, m, f, "enroll > 200", "one_cluster", by = "dn"); q_all("words_clusters", d, m, f, "api00"); chi("words_clusters", d, m, f, "words", "is_big"); tt("words_clusters", d, m, f, "api00 ~ words"); c_rank("words_clusters", d, m, f, "api00", "is_big"); ranks("words_clusters", d, m, f, "enroll", "k")
## many strata, missing answers, a subset
f <- "extra/data/yrbs_part.csv"; x <- table_of(f); m <- meta("psu", "stratum", weights = "weight"); d <- plain(m, x)
c_prop("yrbs", d, m, f, "qn8 == 1", "qn8", by = "qn9"); chi("yrbs", d, m, f, "qn8", "qn10"); tt("yrbs", d, m, f, "qn8 ~ qn9"); tt("yrbs", d, m, f, "I(qn8 - qn9) ~ 0"); c_rank("yrbs", d, m, f, "qn10", "qn9"); ranks("yrbs", d, m, f, "qn8", "qn10"); q_all("yrbs", d, m, f, "qn10", which = FEW[1:2])
text <- "qn10 == 2 & stratum %in% c(111, 121, 211)"; s <- subset(d, qn10 == 2 & stratum %in% c(111, 121, 211)); ms <- c(m, list(subset = text)); c_prop("yrbs_subset", s, ms, f, "qn8 == 1", "qn8", by = "qn9"); c_chisq("yrbs_subset", s, ms, f, "qn8", "qn9")
## stages, and lonely PSUs
f <- "extra/data/three_stages.csv"; x <- table_of(f); m <- meta(c("a", "b", "c"), strata = "st", fpc = c("N1", "N2", "N3")); d <- plain(m, x); c_prop("stages", d, m, f, "x > 20", "x", by = "g"); q_all("stages", d, m, f, "x"); chi("stages", d, m, f, "g", "s2"); tt("stages", d, m, f, "x ~ st"); ranks("stages", d, m, f, "x", "g")
f <- "extra/data/lonely_stages.csv"; x <- table_of(f); for (o in c("remove", "adjust", "average", "certainty")) { m <- meta(c("a", "b"), strata = "st", fpc = c("N1", "N2"), lonely_psu = o); m$adjust_domain_lonely <- o != "remove"; d <- plain(m, x); c_prop(paste0("lonely_", o), d, m, f, "x > 20", "x", by = "g"); q_all(paste0("lonely_", o), d, m, f, "x", c(.3, .5), which = FEW[1:2]); if (o != "average") c_chisq(paste0("lonely_", o), d, m, f, "g", "s2"); c_rank(paste0("lonely_", o), d, m, f, "x", "s2") }
options(survey.lonely.psu = "fail", survey.adjust.domain.lonely = FALSE)
f <- "extra/data/hospital.csv"; x <- table_of(f); m <- meta(strata = "oblevel", fpc = "tothosp", weights = "weighta"); d <- plain(m, x); q_all("hospital", d, m, f, "births", c(.05, .2, .5, .95), which = c(ALL_RULES, FEW[2])); c_prop("hospital", d, m, f, "births > 450", "births", by = "oblevel"); tt("hospital", d, m, f, "births ~ I(oblevel > 1)"); c_rank("hospital", d, m, f, "births", "I(oblevel > 1)")
f <- "extra/data/mu284.csv"; x <- table_of(f); m <- meta(c("id1", "id2"), fpc = c("n1", "n2")); d <- plain(m, x); q_all("mu284", d, m, f, "y1"); c_prop("mu284", d, m, f, "y1 > 45", "y1", by = "id1")
## equal answers everywhere, and ties at the ends of the interval
f <- "oracle/data/apistrat.csv"; x <- table_of(f); m <- meta(strata = "stype", fpc = "fpc", weights = "pw"); d <- plain(m, x); c_prop("alike", d, m, f, "api00 > 0", "all", by = "stype"); c_prop("alike", d, m, f, "enroll > 250", "large", by = "cname"); c_prop("alike", d, m, f, "api00 > 890", "few", by = "stype", methods = c("xlogit", "beta", "mean", "asin", "likelihood"))
## replicates of every type, combined with weights, with a vanishing domain, and in a subset
for (z in list(list("oracle/data/apiclus1.csv", "oracle/expected/rep_JK1_clus1__mean__api00.json", "api00", "sch.wide", "stype", "comp.imp"), list("oracle/data/apistrat.csv", "oracle/expected/rep_JKn_strat_mse__mean__api00.json", "enroll", "sch.wide", "stype", "comp.imp"),
  list("oracle/data/nhanes_39_59.csv", "oracle/expected/rep_BRR_nhanes__mean__HICHOL.json", "race", "HI_CHOL", "race", "RIAGENDR"), list("oracle/data/nhanes_39_59.csv", "oracle/expected/rep_Fay50_nhanes_mse__mean__HICHOL.json", "race", "HI_CHOL", "race", "RIAGENDR"),
  list("oracle/data/apistrat.csv", "oracle/expected/rep_subbootstrap_strat__mean__api00.json", "api00", "sch.wide", "stype", "comp.imp"), list("extra/data/clus1_few.csv", "extra/expected/rep_jk1_few_mse__mean__api00.json", "api00", "sch.wide", "few", "sch.wide"), list("oracle/data/apiclus2.csv", "oracle/expected/rep_mrbbootstrap_clus2__mean__api00.json", "api00", "sch.wide", "stype", "comp.imp"))) {
  r <- rep_of(z[[1]], z[[2]]); px <- sub("__.*", "", basename(z[[2]])); one <- if (z[[4]] == "HI_CHOL") "HI_CHOL == 1" else sprintf("%s == 'Yes'", z[[4]])
  c_prop(px, r$d, r$m, r$f, one, z[[4]], by = z[[5]], methods = c("logit", "xlogit", "beta", "mean", "asin")); q_all(px, r$d, r$m, r$f, z[[3]], c(.25, .5), which = FEW[1]); q_rep(px, r$d, r$m, r$f, z[[3]]); chi(px, r$d, r$m, r$f, z[[4]], z[[5]]); tt(px, r$d, r$m, r$f, paste(z[[3]], "~", z[[6]])); tt(px, r$d, r$m, r$f, paste(z[[3]], "~ 0")); c_rank(px, r$d, r$m, r$f, z[[3]], z[[6]]) }
## calibrated samples: their domains keep every row
f <- "oracle/data/apiclus1.csv"; x <- table_of(f); pop <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018)); sw <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122)); margins <- list(stype = list(E = 4421, H = 755, M = 1018))
for (k in c("post", "rake", "greg")) { m <- meta("dnum", fpc = "fpc", weights = "pw"); d <- plain(m, x); tot <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
  d <- switch(k, post = postStratify(d, ~stype, pop), rake = rake(d, list(~stype, ~sch.wide), list(pop, sw), control = list(maxit = 200, epsilon = 1e-10)), greg = calibrate(d, ~stype + api99, tot, epsilon = 1e-12))
  m$calibration <- switch(k, post = list(method = "postStratify", margins = margins), rake = list(method = "rake", margins = c(margins, list(sch.wide = list(No = 1072, Yes = 5122))), control = list(maxit = 200, epsilon = 1e-10)), greg = list(method = "calibrate", formula = "~stype + api99", totals = as.list(tot), calfun = "linear"))
  c_prop(paste0("cal_", k), d, m, f, "comp.imp == 'Yes'", "comp.imp", by = "awards"); q_all(paste0("cal_", k), d, m, f, "api00", which = FEW[1:3]); chi(paste0("cal_", k), d, m, f, "comp.imp", "sch.wide"); tt(paste0("cal_", k), d, m, f, "api00 ~ comp.imp"); c_rank(paste0("cal_", k), d, m, f, "api00", "comp.imp"); ranks(paste0("cal_", k), d, m, f, "enroll", "stype") }
con <- file("cases.json", "w"); writeLines("[", con); for (i in seq_along(CASES)) writeLines(paste0(toJSON(CASES[[i]], digits = I(15), auto_unbox = TRUE, null = "null", na = "null"), if (i < length(CASES)) "," else ""), con); writeLines("]", con); close(con); cat("cases:", length(CASES), "\n")
