# Further expected results of models, reliability, small areas and replicate weights. Run in this folder: Rscript make_models.R
# It needs the R packages survey, psych, GPArotation and metafor; the tests need none of them.
suppressMessages({library(survey); library(psych); library(metafor); library(jsonlite)})
options(survey.lonely.psu = "fail", digits = 17, contrasts = c("contr.treatment", "contr.poly"))
invisible(Sys.setlocale("LC_COLLATE", "C"))
data(api); data(nhanes); set.seed(20260704)
dir.create("data", showWarnings = FALSE); dir.create("expected", showWarnings = FALSE); unlink("expected/*")
ALL <- list()
text <- function(x) { a <- formatC(x, digits = 15, format = "g"); b <- formatC(x, digits = 17, format = "g"); r <- trimws(ifelse(!is.na(x) & suppressWarnings(as.numeric(a)) == x, a, b)); r[is.na(x)] <- ""; r }
put <- function(d, name) { o <- as.data.frame(lapply(d, function(x) if (is.numeric(x)) text(x) else { y <- as.character(x); y[is.na(y)] <- ""; y }), check.names = FALSE); names(o) <- names(d)
  write.csv(o, file.path("data", paste0(name, ".csv")), row.names = FALSE, quote = which(sapply(o, function(x) any(grepl("[, ]", x)))), fileEncoding = "UTF-8"); paste0("data/", name, ".csv") }
keep <- function(case, ...) { stopifnot(is.null(ALL[[case]])); ALL[[case]] <<- list(...) }
design <- function(ids = "1", strata = NULL, fpc = NULL, weights = NULL, nest = FALSE, ...) list(ids = I(ids), strata = if (is.null(strata)) NULL else I(strata), fpc = if (is.null(fpc)) NULL else I(fpc), weights = weights, nest = nest, ...)
rows <- function(names, values, se, df) lapply(seq_along(names), function(i) list(statistic = names[i], estimate = values[[i]], se = se[[i]], df = df))

## one table: answers on 1..5 with missing ones, strata, clusters, a subset, text categories, counts and times
n <- 330; h <- sample(c("urban", "rural", "hill"), n, TRUE, c(.5, .3, .2)); psu <- sample(1:14, n, TRUE)
u <- rnorm(14 * 3)[match(paste(h, psu), unique(paste(h, psu)))]
age <- sample(18:80, n, TRUE); sex <- sample(c("nam", "nu"), n, TRUE); school <- sample(c("2 basic", "1 none", "3 high"), n, TRUE)
z <- .5 * u + .02 * (age - 45) + .4 * (school == "3 high") + rlogis(n); score <- cut(z, c(-Inf, -1.5, -.5, .5, 1.7, Inf), labels = FALSE)
d <- data.frame(stratum = h, psu = psu, w = round(runif(n, 2, 40), 3), N = c(urban = 60, rural = 40, hill = 30)[h], unit = sample(c("A", "B", "C"), n, TRUE), age = age, sex = sex, school = school, online = as.integer(runif(n) < .4), score = score,
  satisfied = as.integer(score >= 4), visits = rpois(n, exp(.2 + .01 * age + .2 * u)), minutes = round(rgamma(n, 2, scale = 10 * exp(.1 * u)) + 1, 2), income = round(exp(rnorm(n, 2, .5) + .1 * u), 3))
d$school[sample(n, 25)] <- NA; d$satisfied[sample(n, 30)] <- NA; d$age[sample(n, 12)] <- NA
f <- put(d, "answers")
des <- svydesign(~psu, strata = ~stratum, weights = ~w, nest = TRUE, data = d); m <- design("psu", "stratum", weights = "w", nest = TRUE)
desf <- svydesign(~psu, strata = ~stratum, weights = ~w, fpc = ~N, nest = TRUE, data = d); mf <- design("psu", "stratum", "N", "w", TRUE)
boot <- as.svrepdesign(des, "subbootstrap", replicates = 15, compress = FALSE); fb <- put(setNames(as.data.frame(matrix(as.numeric(weights(boot, "replication")), n)), paste0("r", 1:15)), "rep_answers")
mb <- c(m, list(replicates = list(type = "subbootstrap", file = fb, scale = boot$scale, rscales = 1, mse = FALSE)))
cal <- calibrate(des, ~sex, c(`(Intercept)` = 9000, sexnu = 4700)); mc <- c(m, list(calibration = list(method = "calibrate", formula = "~sex", totals = list(`(Intercept)` = 9000, sexnu = 4700), calfun = "linear")))
sub <- subset(des, unit != "C"); ms <- c(m, list(subset = "unit != 'C'"))
glms <- function(case, fo, des, m, data, fam, name, link = NULL, tol = 1e-6) { g <- eval(bquote(svyglm(.(fo), des, family = .(fam)))); s <- summary(g)$coefficients
  keep(case, kind = "svyglm", data = I(data), design = m, estimator = c(list(type = "svyglm", formula = deparse(fo, 500), family = name), if (!is.null(link)) list(link = link)), tolerance = tol,
    results = rows(rownames(s), s[, 1], s[, 2], g$df.residual), t = as.numeric(s[, 3]), p_value = as.numeric(s[, 4]), vcov = unname(vcov(g)),
    term_tests = lapply(attr(terms(fo), "term.labels"), function(x) { r <- regTermTest(g, as.formula(paste("~", x))); list(term = x, F = as.numeric(r$Ftest), df = r$df, ddf = r$ddf, p_value = as.numeric(r$p)) })) }
glms("gaussian", score ~ age * sex + school, des, m, f, gaussian(), "gaussian", tol = 1e-8)
glms("gaussian_fpc", log(income) ~ I(age - 45) + factor(online):sex, desf, mf, f, gaussian(), "gaussian", tol = 1e-8)
glms("gaussian_no_constant", score ~ school + age - 1, des, m, f, gaussian(), "gaussian", tol = 1e-8)
glms("gaussian_subset", score ~ sex + unit + I(age^2), sub, ms, f, gaussian(), "gaussian", tol = 1e-8)
glms("gaussian_calibrated", score ~ sex + age, cal, mc, f, gaussian(), "gaussian", tol = 1e-7)
glms("gaussian_log_link", minutes ~ sex + age, des, m, f, gaussian("log"), "gaussian", "log")
glms("gaussian_replicates", score ~ age + school, boot, mb, c(f, fb), gaussian(), "gaussian", tol = 1e-8)
glms("logit", satisfied ~ age + school + sex, des, m, f, quasibinomial(), "quasibinomial")
glms("logit_text", I(sex == "nu") ~ age + unit, desf, mf, f, quasibinomial(), "quasibinomial")
glms("logit_calibrated", satisfied ~ age + sex, cal, mc, f, quasibinomial(), "quasibinomial")
glms("logit_replicates", satisfied ~ age + sex, boot, mb, c(f, fb), quasibinomial(), "quasibinomial")
glms("logit_subset_replicates", satisfied ~ age, subset(boot, unit != "C"), c(mb, list(subset = "unit != 'C'")), c(f, fb), quasibinomial(), "quasibinomial")
glms("probit", satisfied ~ age + sex, des, m, f, quasibinomial("probit"), "quasibinomial", "probit")
glms("cloglog", satisfied ~ age + sex, des, m, f, quasibinomial("cloglog"), "quasibinomial", "cloglog")
glms("poisson", visits ~ age + sex * online, des, m, f, quasipoisson(), "quasipoisson")
glms("poisson_sqrt", visits ~ age, des, m, f, quasipoisson("sqrt"), "quasipoisson", "sqrt")
glms("poisson_plain", visits ~ school, desf, mf, f, poisson(), "poisson")
glms("gamma", minutes ~ age + sex, des, m, f, Gamma(), "Gamma")
glms("gamma_log", minutes ~ age + sex, des, m, f, Gamma("log"), "Gamma", "log")
d$s5 <- factor(d$score); deso <- svydesign(~psu, strata = ~stratum, weights = ~w, nest = TRUE, data = d)
# svyolr of a replicate design answers with standard errors of 0 in survey 4.1-1, so there is no case of it.
olr <- function(case, fo, des, m, data, method = "logistic", shown = fo) { g <- svyolr(fo, des, method = method); b <- c(g$coefficients, g$zeta)
  keep(case, kind = "svyolr", data = I(data), design = m, estimator = list(type = "svyolr", formula = deparse(shown, 500), method = method), tolerance = 2e-3, results = rows(names(b), b, sqrt(diag(vcov(g))), degf(des))) }
olr("ordinal", s5 ~ age + sex + school, deso, m, f, shown = score ~ age + sex + school); olr("ordinal_probit", s5 ~ age + sex, deso, m, f, "probit", score ~ age + sex)
olr("ordinal_subset", s5 ~ age + sex, subset(deso, unit != "C"), ms, f, shown = factor(score) ~ age + sex)


## names and columns of model matrices
x <- d[1:60, c("age", "sex", "school", "online", "unit", "income", "score")]; x <- x[complete.cases(x), ]; fx <- put(x, "formulas")
for (fo in list(~ sex * school, ~ sex:school, ~ sex:school - 1, ~ age + sex:age, ~ (sex + school + unit)^2, ~ sex / school, ~ school + sex:unit:school, ~ factor(online) + 0 + sex, ~ log(income) * unit - unit, ~ I(age > 40) + I(age/10), ~ age:income + school, ~ sex + unit:age + 0, ~ 1, ~ factor(score):sex, ~ (age + income)^3 - age, ~ I(-(age - 40)^2/3) + I(sex == 'nu' & age >= 30))) {
  M <- model.matrix(fo, x); ALL[["formulas"]] <- c(ALL[["formulas"]], list(list(formula = paste(deparse(fo, 500), collapse = ""), names = I(colnames(M)), assign = I(attr(M, "assign")), terms = I(attr(terms(fo), "term.labels")), sums = I(unname(colSums(M))), squares = I(unname(colSums(M^2)))))) }
ALL$formulas <- list(kind = "formulas", data = I(fx), matrices = ALL$formulas)

## reliability: six items with missing answers, one of them turned round
g <- rnorm(300); it <- sapply(1:9, function(k) pmin(5, pmax(1, round(3 + g * .7 + rnorm(300) * .5 * (1 + (k %% 3)) + .6 * rnorm(3)[1 + k %% 3])))); it <- it + sapply(1:9, function(k) 0) ; grp <- matrix(rnorm(900), 300); it <- sapply(1:9, function(k) pmin(7, pmax(1, round(4 + .8 * g + .7 * grp[, 1 + (k - 1) %/% 3] + rnorm(300, 0, .8)))))
it[, 4] <- 8 - it[, 4]; it[sample(length(it), 60)] <- NA; q <- as.data.frame(it); names(q) <- paste0("q", 1:9); q$w <- round(runif(300, 1, 9), 2); q$psu <- rep(1:30, each = 10); fq <- put(q, "items"); Q <- q[paste0("q", 1:9)]
al <- function(case, items, keys) { a <- suppressWarnings(psych::alpha(q[items], keys = items[keys < 0], warnings = FALSE)); t <- a$total; ci <- psych::alpha.ci(t$raw_alpha, n.obs = nrow(q), n.var = length(items))
  keep(case, kind = "cronbach_alpha", data = I(fq), design = NULL, estimator = list(type = "cronbach_alpha", items = I(items), keys = I(keys)), tolerance = 1e-9, results = list(list(statistic = "raw_alpha", estimate = t$raw_alpha, se = t$ase, ci = c(ci$lower.ci, ci$upper.ci), n = nrow(q))),
    extra = list(std_alpha = t$std.alpha, G6 = t$`G6(smc)`, average_r = t$average_r, median_r = t$median_r, mean = t$mean, sd = t$sd, alpha_if_dropped = setNames(as.list(a$alpha.drop$raw_alpha), items), r_drop = setNames(as.list(a$item.stats$r.drop), items), r_cor = setNames(as.list(a$item.stats$r.cor), items))) }
al("alpha_nine", paste0("q", 1:9), c(1, 1, 1, -1, 1, 1, 1, 1, 1)); al("alpha_two", c("q1", "q2"), c(1, 1)); al("alpha_three", c("q2", "q4", "q9"), c(1, -1, 1)); al("alpha_unturned", paste0("q", 3:6), rep(1, 4))
dq <- svydesign(~psu, weights = ~w, data = q); cc <- dq[complete.cases(q[paste0("q", 1:3)]), ]; keep("svycralpha", kind = "svycralpha", data = I(fq), design = design("psu", weights = "w"), estimator = list(type = "svycralpha", items = paste0("q", 1:3)), tolerance = 1e-9, results = list(list(statistic = "alpha", estimate = as.numeric(svycralpha(~ q1 + q2 + q3, cc)))))
for (k in 1:3) { o <- suppressWarnings(suppressMessages(psych::omega(Q[complete.cases(Q), ], nfactors = k, plot = FALSE)))
  keep(paste0("omega_", k), kind = "omega", data = I(fq), design = NULL, estimator = list(type = "omega", items = I(paste0("q", 1:9)), nfactors = k), tolerance = 1e-3, results = list(list(statistic = "omega_hierarchical", estimate = o$omega_h), list(statistic = "omega_total", estimate = o$omega.tot), list(statistic = "alpha_standardised", estimate = o$alpha)), extra = list(G6 = o$G6, omega_asymptotic = o$omega.lim)) }

## small areas: two sets, one of them without differences beyond sampling
for (k in 1:2) { mm <- c(25, 12)[k]; x1 <- rnorm(mm); v <- runif(mm, .05, .4); a <- data.frame(area = paste0("P", 1:mm), y = c(3, 1)[k] + .5 * x1 + c(.5, 0)[k] * rnorm(mm) + rnorm(mm, 0, sqrt(v)) * c(1, .4)[k], v = v, x1 = x1); fa <- put(a, paste0("areas", k))
  for (me in c("REML", "ML", "PM", "DL")) { r <- rma(yi = y, vi = v, mods = cbind(x1), data = a, method = me, control = list(maxiter = 10000, threshold = 1e-12, tol = 1e-12)); b <- blup(r)
    keep(paste0("areas", k, "_", me), kind = "fay_herriot", data = I(fa), design = NULL, estimator = list(type = "fay_herriot", method = me, direct = "y", sampling_variance = "v", covariates = I("x1"), area = "area"), tolerance = 1e-5,
      results = c(list(list(statistic = "sigma2_v", estimate = r$tau2)), rows(c("beta:intrcpt", "beta:x1"), as.numeric(coef(r)), r$se, NULL), lapply(1:mm, function(i) list(statistic = "EBLUP", domain = list(area = a$area[i]), estimate = b$pred[i], se = b$se[i])))) } }

## p values
p <- c(.01, NA, .04, .04, .5, .9, .0001, 0); keep("adjusted", kind = "p_adjust", p = p, adjusted = lapply(setNames(nm = c("bonferroni", "holm", "hochberg", "BH", "BY")), function(me) p.adjust(p, me)))

## replicate weights of small designs: factors, scales and the variances that follow
s <- data.frame(h = rep(c("b", "a", "c"), c(9, 8, 8)), psu = c(1, 1, 2, 2, 3, 3, 4, 4, 4, 1, 1, 1, 2, 2, 2, 3, 4, 1, 1, 1, 1, 2, 2, 2, 2), w = round(runif(25, 1, 5), 2), N = rep(c(20, 10, 6), c(9, 8, 8)), y = round(rnorm(25, 10, 3), 2), x = round(runif(25, 1, 4), 2)); fs <- put(s, "replicated")
made <- function(case, base, type, m, ...) { r <- as.svrepdesign(base, type = type, compress = FALSE, ...); R <- matrix(as.numeric(unclass(as.matrix(weights(r, "replication")))), nrow(s)); t <- svytotal(~y, r); q <- svyratio(~y, ~x, r)
  keep(case, kind = "replication", data = I(fs), design = m, type = type, scale = as.numeric(r$scale), rscales = I(as.numeric(r$rscales)), factors = R, total_se = as.numeric(SE(t)), ratio_se = as.numeric(SE(q)), df = degf(r)) }
made("JK1", svydesign(~I(paste(h, psu)), weights = ~w, data = transform(s, k = paste(h, psu))), "JK1", NULL)
st <- svydesign(~psu, strata = ~h, weights = ~w, nest = TRUE, data = s); sf <- svydesign(~psu, strata = ~h, weights = ~w, fpc = ~N, nest = TRUE, data = s)
made("JKn", st, "JKn", design("psu", "h", weights = "w", nest = TRUE)); made("JKn_fpc", sf, "JKn", design("psu", "h", "N", "w", TRUE)); made("BRR", st, "BRR", design("psu", "h", weights = "w", nest = TRUE)); made("Fay", st, "Fay", design("psu", "h", weights = "w", nest = TRUE), fay.rho = .3)
one <- s[!(s$h == "c" & s$psu == 2), ]; fo <- put(one, "replicated_lonely")
for (o in c("remove", "average", "adjust", "certainty")) { options(survey.lonely.psu = o); r <- as.svrepdesign(svydesign(~psu, strata = ~h, weights = ~w, nest = TRUE, data = one), type = "JKn", compress = TRUE); R <- as.matrix(weights(r, "replication"))
  keep(paste0("JKn_lonely_", o), kind = "replication", data = I(fo), design = design("psu", "h", weights = "w", nest = TRUE, lonely_psu = o), type = "JKn", scale = as.numeric(r$scale), rscales = I(as.numeric(r$rscales)), factors = matrix(as.numeric(R), nrow(one)), total_se = as.numeric(SE(svytotal(~y, r))), ratio_se = as.numeric(SE(svyratio(~y, ~x, r))), df = degf(r)) }
options(survey.lonely.psu = "fail")
ALL$made_with <- list(kind = "note", R = R.version.string, packages = sapply(c("survey", "psych", "GPArotation", "metafor"), function(p) as.character(packageVersion(p))) |> as.list())
writeLines(toJSON(ALL, digits = I(17), auto_unbox = TRUE, null = "null", na = "null"), "expected/models.json")
