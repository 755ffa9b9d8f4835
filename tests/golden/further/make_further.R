# Writes data/*.csv and expected/*.json: every kind of the oracle on data that the oracle does not use.
# Run in this folder: Rscript make_further.R   (Debian 12: r-cran-survey, -jsonlite, -laeken, -sampling, -psych, -psychtools, -metafor, -gparotation)
# The layout and the functions are those of ../oracle.
source("../oracle/oracle_lib.R")
set.seed(20261123)
unlink("expected", recursive = TRUE)
unlink("data", recursive = TRUE)
data(hospital); data(mu284); data(yrbs); data(api)
data(swissmunicipalities, package = "sampling"); data(belgianmunicipalities, package = "sampling")
data(ses, package = "laeken"); data(sai, package = "psychTools")

every <- function(px, d, m, f, y, group, two, share, label, ratio = NULL, pairs = NULL, fpc = TRUE) {
  c_mean(px, d, m, f, y); c_total(px, d, m, f, y[1]); c_by(px, d, m, f, y[1], group); c_var(px, d, m, f, y[1])
  c_prop(px, d, m, f, share, label, by = group); c_quant(px, d, m, f, y[1], q = c(.05, .25, .5, .8))
  if (!is.null(ratio)) c_ratio(px, d, m, f, ratio[1], ratio[2], by = group)
  if (!is.null(pairs)) c_diff(px, d, m, f, y[1], group, pairs)
  c_rest(px, d, m, f, y[1], group); c_chisq(px, d, m, f, two, group); c_ttest(px, d, m, f, y[1], two); c_rank(px, d, m, f, y[1], two)
}

## Swiss municipalities: strata by region, populations known
s <- swissmunicipalities[order(swissmunicipalities$REG), ]; s$big <- as.integer(s$POPTOT > 2000); s$aging <- as.integer(s$Pop65P / s$POPTOT > .15)
N <- table(s$REG); take <- unlist(lapply(split(seq_len(nrow(s)), s$REG), function(z) z[sample.int(length(z), 30)])); s <- s[sort(take), ]
s$Nh <- as.integer(N[as.character(s$REG)]); s$pw <- s$Nh / 30; s$st <- paste0("R", s$REG); s$kind <- ifelse(s$HApoly > 1200, "wide", ifelse(s$HApoly > 500, "middle", "small"))
s <- s[c("CT", "REG", "COM", "Airbat", "HApoly", "P00BMTOT", "P00BWTOT", "Pop65P", "H00PTOT", "POPTOT", "big", "aging", "st", "Nh", "pw", "kind")]
f <- put_csv(s, "swiss"); ds <- svydesign(~1, strata = ~st, fpc = ~Nh, weights = ~pw, data = s); ms <- meta(strata = "st", fpc = "Nh", weights = "pw")
every("swiss", ds, ms, f, c("Airbat", "H00PTOT"), "kind", "big", "aging == 1", "aging", c("P00BMTOT", "P00BWTOT"), list(c("small", "wide"), c("wide", "middle")))
c_glm("swiss", ds, ms, f, log(Airbat) ~ log(POPTOT) + kind); c_glm("swiss", ds, ms, f, aging ~ log(HApoly) + factor(REG), "quasibinomial"); c_glm("swiss", ds, ms, f, H00PTOT ~ log(POPTOT) + big, "quasipoisson")
c_glm("swiss", ds, ms, f, Airbat ~ kind * big); c_glm("swiss", ds, ms, f, big ~ HApoly, "quasibinomial")
c_index("swiss", ds, ms, f, c("big", "aging"), c(.4, .6), by = "kind", name = "two_shares", scale = c(0, 100))

## Belgian municipalities: districts as clusters, with and without the second stage
b <- belgianmunicipalities; b$up <- ifelse(b$DiffTOT > 0, "Yes", "No"); b$size <- as.character(cut(b$Tot04, c(0, 8000, 16000, Inf), c("S", "M", "L"))); b$averageincome[sample(nrow(b), 25)] <- NA
n1 <- length(unique(b$Arrondiss)); n2 <- table(b$Arrondiss); b <- b[b$Arrondiss %in% sample(unique(b$Arrondiss), 14), ]
b <- do.call(rbind, lapply(split(b, b$Arrondiss), function(z) z[sample(nrow(z), min(nrow(z), 7)), ])); b$N1 <- n1; b$N2 <- as.integer(n2[as.character(b$Arrondiss)])
b$pw <- (n1 / 14) * b$N2 / ave(b$INS, b$Arrondiss, FUN = length)
b <- b[c("INS", "Province", "Arrondiss", "Men04", "Women04", "Tot04", "Tot03", "TaxableIncome", "Totaltaxation", "averageincome", "medianincome", "up", "size", "N1", "N2", "pw")]
f <- put_csv(b, "belgium"); d2 <- svydesign(~Arrondiss + INS, fpc = ~N1 + N2, data = b); m2 <- meta(c("Arrondiss", "INS"), fpc = c("N1", "N2"))
every("belgium_two_stages", d2, m2, f, c("averageincome", "medianincome", "up"), "size", "up", "up == 'Yes'", "grows", c("Totaltaxation", "TaxableIncome"), list(c("S", "L")))
d1 <- svydesign(~Arrondiss, weights = ~pw, data = b); m1 <- meta("Arrondiss", weights = "pw"); every("belgium_clusters", d1, m1, f, c("medianincome", "Tot04"), "size", "up", "medianincome > 17000 & up != 'No'", "richer", c("Men04", "Women04"), list(c("M", "L")))
c_glm("belgium", d2, m2, f, medianincome ~ log(Tot04) + up + size); c_glm("belgium", d1, m1, f, I(up == "Yes") ~ size + I(medianincome / 1000), "quasibinomial")

## Hospitals: weights of the replicates' kind, strata
h <- hospital; f <- put_csv(h, "hospital"); dh <- svydesign(~1, strata = ~oblevel, fpc = ~tothosp, weights = ~weighta, data = h); mh <- meta(strata = "oblevel", fpc = "tothosp", weights = "weighta")
c_quant("hospital", dh, mh, f, "births", q = c(.1, .5, .8)); c_var("hospital", dh, mh, f, "births"); c_rest("hospital", dh, mh, f, "births", "oblevel")

## MU284: five clusters, two stages
f <- put_csv(mu284, "mu284"); dm <- svydesign(~id1 + id2, fpc = ~n1 + n2, data = mu284); mm <- meta(c("id1", "id2"), fpc = c("n1", "n2"))
c_quant("mu284", dm, mm, f, "y1", q = c(.2, .5, .9)); c_var("mu284", dm, mm, f, "y1"); c_prop("mu284", dm, mm, f, "y1 > 40", "above40")

## YRBS: many strata, a yes and no question with missing answers; also all alike in a domain
y <- yrbs[yrbs$stratum %in% sort(unique(yrbs$stratum))[1:9], ]; y <- y[runif(nrow(y)) < .25, ]; y$age <- sample(c("12-14", "15", "16", "17-18"), nrow(y), TRUE); y$sex <- sample(1:2, nrow(y), TRUE); y$qn8[y$age == "12-14"] <- ifelse(is.na(y$qn8[y$age == "12-14"]), NA, 2)
y <- y[c("psu", "stratum", "weight", "qn8", "age", "sex")]; f <- put_csv(y, "yrbs"); dy <- svydesign(id = ~psu, weights = ~weight, strata = ~stratum, data = y); my <- meta("psu", "stratum", weights = "weight")
c_prop("yrbs", dy, my, f, "qn8 == 2", "helmet", by = "age"); c_chisq("yrbs", dy, my, f, "qn8", "age"); c_chisq("yrbs", dy, my, f, "age", "sex"); c_rest("yrbs", dy, my, f, "qn8", "age"); c_ttest("yrbs", dy, my, f, "qn8", "sex"); c_rank("yrbs", dy, my, f, "qn8", "sex")
c_glm("yrbs", dy, my, f, I(qn8 == 1) ~ factor(sex), "quasibinomial"); c_glm("yrbs", dy, my, f, qn8 ~ age + sex); dys <- subset(dy, sex == 2); c_mean("yrbs_subset", dys, c(my, list(subset = "sex == 2")), f, "qn8"); c_prop("yrbs_subset", dys, c(my, list(subset = "sex == 2")), f, "qn8 == 2", "helmet"); c_quant("yrbs_subset", dys, c(my, list(subset = "sex == 2")), f, "weight", rules = "math", itypes = "mean")

## SES: earnings, employers as clusters in strata of size and place
e <- ses[c("location", "size", "IDunit", "sex", "education", "hoursPaid", "earningsMonth", "earningsHour", "weights")]; e$stratum <- paste(e$location, ifelse(e$size %in% c("E10_49", "E50_249"), "small", "large"))
e <- e[e$IDunit %in% unlist(lapply(split(e$IDunit, e$stratum), function(z) unique(z)[sample.int(length(unique(z)), min(25, length(unique(z))))])), ]; names(e)[9] <- "w"  # svytable() takes a column called weights for the calibrated ones, and rake() stops at once
e <- e[ave(e$hoursPaid, e$IDunit, FUN = seq_along) <= 9, ]; e$location <- as.character(e$location); e$education <- sub("ISCED 0 and 1", "ISCED 2", e$education); e$sex <- as.character(e$sex); e$size <- as.character(e$size)
f <- put_csv(e, "ses"); de <- svydesign(~IDunit, strata = ~stratum, weights = ~w, nest = TRUE, data = e); me <- meta("IDunit", "stratum", weights = "w", nest = TRUE)
every("ses", de, me, f, c("earningsHour", "earningsMonth"), "education", "sex", "earningsHour > 12 | hoursPaid < 100", "well_paid", c("earningsMonth", "hoursPaid"))
c_glm("ses", de, me, f, log(earningsHour) ~ sex + education); c_by("ses", de, me, f, "earningsHour", c("location", "sex"))

## SAI: four-point items, artificial design
v <- names(sai)[4:23]; q <- sai[sai$time == 1, ]; q <- q[sample(nrow(q), 700), ]; for (i in v) q[[i]][runif(700) < .02] <- NA
q$stratum <- sample(c("a", "b", "c", "d"), 700, TRUE); q$psu <- sample(1:12, 700, TRUE); q$unit <- paste0("u", 1 + (q$psu + match(q$stratum, letters)) %% 6); q$w <- round(runif(700, 5, 60), 2); q <- q[c("stratum", "psu", "unit", "w", v)]
f <- put_csv(q, "sai"); dq <- svydesign(~psu, strata = ~stratum, weights = ~w, nest = TRUE, data = q); mq <- meta("psu", "stratum", weights = "w", nest = TRUE)
c_index("sai", dq, mq, f, v[1:6], c(.3, .2, .2, .1, .1, .1), by = "unit", name = "six_items", scale = c(1, 100 / 3)); c_by("sai", dq, mq, f, v[1], "unit"); c_rest("sai", dq, mq, f, v[2], "unit"); c_diff("sai", dq, mq, f, v[1], "unit", list(c("u1", "u2"), c("u3", "u6")))
c_prop("sai", dq, mq, f, paste(v[1], ">= 3"), "top2", by = "unit"); c_prop("sai", dq, mq, f, paste0(v[3], " %in% c(1, 2, 3, 4)"), "everybody", by = "unit"); c_quant("sai", dq, mq, f, v[5]); c_cralpha("sai", dq, mq, f, c("calm", "secure", "relaxed", "content")); c_chisq("sai", dq, mq, f, v[1], "unit")
q$calmf <- ordered(q$calm); dq <- update(dq, calmf = ordered(calm)); c_olr("sai", dq, mq, f, calmf ~ tense + upset)
c_alpha("sai_calm", q, f, c("calm", "secure", "relaxed", "content", "tense"), c(1, 1, 1, 1, -1)); c_alpha("sai_plain", q, f, c("upset", "worrying", "anxious", "nervous", "jittery", "worried")); c_omega("sai", q[complete.cases(q[v]), ], f, v, 3); c_omega("sai_ten", q[complete.cases(q[v[1:10]]), ], f, v[1:10], 3)

## Calibration of other designs
margin <- function(x, k) { t <- tapply(k, x, sum); round(t * seq(.9, 1.15, length.out = length(t))) }
fr <- function(t, n) setNames(data.frame(names(t), as.numeric(t)), c(n, "Freq"))
for (z in list(list("swiss", ds, ms, "data/swiss.csv", c("Airbat", "H00PTOT"), "kind", "big", s), list("belgium", d1, m1, "data/belgium.csv", c("medianincome", "Tot04"), "size", "up", b), list("ses", de, me, "data/ses.csv", c("earningsHour", "hoursPaid"), "education", "sex", e))) {
  n <- z[[1]]; dd <- z[[2]]; mm <- z[[3]]; ff <- z[[4]]; w <- weights(dd); a <- margin(z[[8]][[z[[6]]]], w); o <- margin(z[[8]][[z[[7]]]], w); o <- o * sum(a) / sum(o)
  c_cal(paste0("cal_poststrat_", n), "postStratify", postStratify(dd, fm(z[[6]]), fr(a, z[[6]])), mm, ff, list(method = "postStratify", margins = setNames(list(as.list(a)), z[[6]])), z[[5]], z[[6]], "postStratify")
  c_cal(paste0("cal_rake_", n), "rake", rake(dd, list(fm(z[[6]]), fm(z[[7]])), list(fr(a, z[[6]]), fr(o, z[[7]])), control = list(maxit = 300, epsilon = 1e-10)), mm, ff, list(method = "rake", margins = setNames(list(as.list(a), as.list(o)), c(z[[6]], z[[7]])), control = list(maxit = 300, epsilon = 1e-10)), z[[5]], z[[6]], "rake")
  X <- model.matrix(fm(c(z[[6]], z[[5]][2])), z[[8]]); t0 <- colSums(X * w); t1 <- t0 * c(1.02, rep(1.03, ncol(X) - 2), 1.01); fo <- paste0("~", z[[6]], " + ", z[[5]][2])
  for (cf in c("linear", "raking", "logit", "linear_bounded")) try_emit(paste("cal", cf, n), { bo <- switch(cf, logit = c(.3, 3), linear_bounded = c(.8, 1.3), NULL)
    g <- switch(cf, linear = calibrate(dd, as.formula(fo), t1, epsilon = 1e-12), raking = calibrate(dd, as.formula(fo), t1, calfun = "raking", epsilon = 1e-11, maxit = 300), logit = calibrate(dd, as.formula(fo), t1, calfun = "logit", bounds = bo, epsilon = 1e-11, maxit = 500), linear_bounded = calibrate(dd, as.formula(fo), t1, bounds = bo, epsilon = 1e-10, maxit = 500))
    c_cal(paste0("cal_", cf, "_", n), "calibrate", g, mm, ff, list(method = "calibrate", formula = fo, totals = as.list(t1), calfun = if (grepl("linear", cf)) "linear" else cf, bounds = bo), z[[5]], z[[6]], "calibrate")
    if (cf == "linear") c_cal(paste0("cal_trim_", n), "trimWeights", trimWeights(g, lower = quantile(weights(g), .03)[[1]], upper = quantile(weights(g), .97)[[1]], strict = TRUE), mm, ff, list(method = "trimWeights", after = paste0("calibrate linear ", gsub(" ", "", fo)), totals = as.list(t1), lower = quantile(weights(g), .03)[[1]], upper = quantile(weights(g), .97)[[1]], strict = TRUE), z[[5]], z[[6]], "trimWeights after calibrate linear") })
}

## Replicate weights of other designs
mkrep <- function(nm, base, type, dm, data, y, by, ratio = NULL, quant = NULL, mse = FALSE, ...) { rd <- as.svrepdesign(base, type = type, mse = mse, compress = FALSE, ...); rd <- svrepdesign(variables = base$variables, repweights = matrix(as.numeric(unclass(as.matrix(weights(rd, "replication")))), nrow(base$variables)), weights = weights(rd, "sampling"), type = "other", scale = rd$scale, rscales = rd$rscales, combined.weights = FALSE, mse = mse); f <- put_rep(rd, paste0("rep_", nm)); dm$replicates <- rep_meta(rd, type, f); c_rep(paste0("rep_", nm), rd, dm, c(data, f), y, by, ratio, quant); list(rd, dm, f) }
r <- mkrep("JK1_belgium", d1, "JK1", m1, "data/belgium.csv", c("medianincome", "averageincome"), "size", c("Men04", "Women04"), "medianincome")
px <- "rep_JK1_belgium_more"; rd <- r[[1]]; dm <- r[[2]]; fs <- c("data/belgium.csv", r[[3]])
c_prop(px, rd, dm, fs, "up == 'Yes'", "grows", by = "size"); c_diff(px, rd, dm, fs, "medianincome", "size", list(c("S", "L"))); c_ttest(px, rd, dm, fs, "medianincome", "up"); c_rank(px, rd, dm, fs, "medianincome", "up"); c_glm(px, rd, dm, fs, medianincome ~ up + log(Tot04)); c_glm(px, rd, dm, fs, I(up == "Yes") ~ size, "quasibinomial"); c_var(px, rd, dm, fs, "medianincome")
mkrep("JKn_swiss", ds, "JKn", ms, "data/swiss.csv", c("Airbat", "H00PTOT"), "kind", c("P00BMTOT", "P00BWTOT"), "Airbat", TRUE) -> rs; mkrep("boot_ses", de, "bootstrap", me, "data/ses.csv", c("earningsHour", "hoursPaid"), "education", c("earningsMonth", "hoursPaid"), "earningsHour", replicates = 80) -> r
rd <- rs[[1]]; dm <- rs[[2]]; fs <- c("data/swiss.csv", rs[[3]]); a <- margin(s$kind, weights(ds)); o <- margin(s$big, weights(ds)); o <- o * sum(a) / sum(o)
c_cal("repcal_poststrat_swiss", "rep_postStratify", postStratify(rd, ~kind, fr(a, "kind")), dm, fs, list(method = "postStratify", margins = list(kind = as.list(a))), c("Airbat", "H00PTOT"), "kind", "postStratify")
c_cal("repcal_rake_swiss", "rep_rake", rake(rd, list(~kind, ~big), list(fr(a, "kind"), fr(o, "big")), control = list(maxit = 300, epsilon = 1e-10)), dm, fs, list(method = "rake", margins = list(kind = as.list(a), big = as.list(o)), control = list(maxit = 300, epsilon = 1e-10)), c("Airbat", "H00PTOT"), "kind", "rake")
X <- model.matrix(~kind + POPTOT, s); t1 <- colSums(X * weights(ds)) * c(1.01, 1.02, 1, 1.02); c_cal("repcal_linear_swiss", "rep_calibrate", calibrate(rd, ~kind + POPTOT, compress = FALSE, population = t1), dm, fs, list(method = "calibrate", formula = "~kind + POPTOT", totals = as.list(t1), calfun = "linear"), c("Airbat", "H00PTOT"), "big", "calibrate")

## any kind on a calibrated design
g <- postStratify(d1, ~size, fr(margin(b$size, weights(d1)), "size")); mg <- m1; mg$calibration <- list(method = "postStratify", margins = list(size = as.list(margin(b$size, weights(d1))))); f <- "data/belgium.csv"; px <- "calibrated_belgium"
c_mean(px, g, mg, f, c("medianincome", "up")); c_by(px, g, mg, f, "medianincome", "up"); c_ratio(px, g, mg, f, "Men04", "Women04", by = "up"); c_prop(px, g, mg, f, "medianincome > 17000", "richer", by = "up"); c_quant(px, g, mg, f, "medianincome"); c_diff(px, g, mg, f, "medianincome", "up", list(c("Yes", "No"))); c_rest(px, g, mg, f, "medianincome", "up"); c_chisq(px, g, mg, f, "up", "size"); c_ttest(px, g, mg, f, "medianincome", "up"); c_rank(px, g, mg, f, "medianincome", "up"); c_glm(px, g, mg, f, medianincome ~ up + log(Tot04)); c_var(px, g, mg, f, "medianincome"); c_total(px, g, mg, f, c("medianincome", "size"))

## small areas and p values
area <- data.frame(area = sprintf("D%02d", 1:26), n = sample(8:40, 26)); area$x1 <- round(rnorm(26), 3); area$x2 <- round(runif(26, 0, 5), 3); area$variance <- round(30 / area$n, 4); area$direct <- round(80 + 2 * area$x1 - area$x2 + rnorm(26, 0, 1.3) + rnorm(26) * sqrt(area$variance), 3); c_fh("districts", area, put_csv(area, "fay_herriot_districts"), "metafor::rma; metafor::blup"); area$x2 <- NULL; c_fh("districts_one_x", area, put_csv(area, "fay_herriot_one_x"), "metafor::rma; metafor::blup")
c_padj("few", c(.01, .02, .03, .5, .011)); c_padj("many", round(runif(60)^2, 5))

## what random data and designs have taught: replicates of other families, degrees of freedom of calibrated replicates, ranks at the middle to the last digit, where a search for thresholds ends
rg <- mkrep("boot_belgium", d1, "bootstrap", m1, "data/belgium.csv", "Tot04", "size", replicates = 40); rd <- rg[[1]]; dm <- rg[[2]]; fs <- c("data/belgium.csv", rg[[3]]); px <- "learned_rep"
for (z in list(list(medianincome ~ up + size, Gamma("log"), "Gamma", "log"), list(I(up == "Yes") ~ I(medianincome / 1000), quasibinomial("cloglog"), "quasibinomial", "cloglog"))) { g <- do.call(svyglm, list(z[[1]], design = rd, family = z[[2]])); s0 <- summary(g)$coefficients
  emit(paste(px, "glm", z[[3]], sep = "__"), "svyglm", fs, dm, list(type = "svyglm", formula = deparse(z[[1]]), family = z[[3]], link = z[[4]]), "svyglm(formula, replicate design, family)", lapply(seq_len(nrow(s0)), function(i) row_(rownames(s0)[i], s0[i, 1], s0[i, 2], g$df.residual, t = s0[i, 3], p_value = s0[i, 4], df_design = dg(rd))), vcov = vcov(g), tol = 1e-6) }
X <- model.matrix(~size + medianincome, b); t1 <- colSums(X * weights(d1)) * c(1.01, 1.02, 1, 1.012); for (cf in c("raking", "logit", "linear")) { bo <- if (cf == "logit") c(.1, 8) else NULL; g <- if (cf == "logit") calibrate(rd, ~size + medianincome, t1, calfun = cf, bounds = bo, compress = FALSE, epsilon = 1e-11, maxit = 500) else calibrate(rd, ~size + medianincome, t1, calfun = cf, compress = FALSE, epsilon = 1e-11, maxit = 200)
  mg <- dm; mg$calibration <- list(method = "calibrate", formula = "~size + medianincome", totals = as.list(t1), calfun = cf, bounds = bo); n <- paste0("learned_repcal_", cf)
  c_cal(n, "rep_calibrate", g, dm, fs, mg$calibration, c("Tot04", "averageincome"), "up", "calibrate(repdesign, …)", wts = FALSE); c_prop(n, g, mg, fs, "averageincome > 13000", "richer", by = "up", methods = c("xlogit", "beta", "mean")); c_rest(n, g, mg, fs, "Tot04", "up") }
odd <- s[seq_len(75), ]; f <- put_csv(odd[c("Airbat", "POPTOT", "big", "kind", "aging")], "swiss_odd"); dz <- svydesign(~1, data = odd, weights = ~rep(1, 75)); c_rank("learned_odd", dz, meta(), f, "Airbat", "big"); c_rank("learned_odd_two", dz, meta(), f, "POPTOT", "aging")
odd$lots <- odd$Nh * 1.37; f <- put_csv(odd[c("Airbat", "POPTOT", "big", "kind", "aging", "lots")], "swiss_odd_weights"); dz <- svydesign(~1, data = odd, weights = ~lots); mz <- meta(weights = "lots"); c_rank("learned_odd_weights", dz, mz, f, "Airbat", "big"); odd$kindf <- ordered(odd$kind); dz <- update(dz, kindf = ordered(kind)); c_olr("learned_odd", dz, mz, f, kindf ~ POPTOT + aging)
z3 <- e; z3$thirds <- as.integer(cut(z3$earningsHour, quantile(z3$earningsHour, 0:4 / 4), include.lowest = TRUE)); z3 <- z3[c("IDunit", "stratum", "w", "thirds", "sex", "education", "hoursPaid")]; f <- put_csv(z3, "ses_quarters"); dz <- svydesign(~IDunit, strata = ~stratum, weights = ~w, nest = TRUE, data = z3); dz <- update(dz, thirdsf = ordered(thirds)); c_olr("learned", dz, me, f, thirdsf ~ sex + education + hoursPaid)
write_index()
