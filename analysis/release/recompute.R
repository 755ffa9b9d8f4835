# ---------------------------------------------------------------------------------------------------------------------
# What follows is the same for every round; what this round is stands above.
#
#   Rscript recompute.R RESPONSES [ESTIMATES.csv] [--hard HARD.csv]
#                       [--differences DIFFERENCES.csv] [--ranks RANKS.csv] [--formulas FORMULAS.csv]
#                       [--importance IMPORTANCE.csv] [--subgroups SUBGROUPS.csv]
#
# RESPONSES is the archive's responses.parquet, or the responses.csv that `hailong round export ARCHIVE --format csv
# --out FOLDER` writes. With the estimates.csv of an edition every figure there is held against the one computed here:
# the exit status is 1 where one differs by more than a millionth, or a standard error that rests on draws by more than
# 15 %. The further tables of an edition are checked in the same way where they are named; a critical value of a
# rank set may differ by 10 %, because it rests on draws. Without estimates.csv the figures are written into recomputed.csv, also those of so few people that no edition shows them.
#
# Weights, means, standard errors and intervals are computed from the responses alone with the package survey (Lumley
# 2004) and share no line with the program that published them. Every figure is a linear combination of domain means;
# its variance is that of the total of its linearised variable (Särndal, Swensson and Wretman 1992, section 5.5).

suppressMessages(library(survey))
tolerance <- 1e-6
tolerance_of_draws <- 0.15
tolerance_of_critical_values <- 0.1
# What differs by less is the rounding of a computer; below the second, answers are alike.
rounding <- 1e-12
no_spread <- 1e-9

# --- reading ---------------------------------------------------------------------------------------------------------

read_table <- function(file, columns) {
  if (!file.exists(file) || dir.exists(file)) stop(file, ": found no such file, expected a table in CSV", call. = FALSE)
  # Neither the mark that Excel wants nor the language of this computer changes what a column or a label is called.
  table <- tryCatch(
    suppressWarnings(
      read.csv(file, colClasses = "character", na.strings = "", encoding = "UTF-8", check.names = FALSE)
    ),
    error = function(problem) {
      stop(file, ": found no table in CSV (", conditionMessage(problem), "), expected one", call. = FALSE)
    }
  )
  names(table)[1] <- gsub("^(\xef\xbb\xbf|X.U.FEFF.|<U.FEFF>)|\"", "", names(table)[1], useBytes = TRUE)
  with_columns(table, columns, file)
}

with_columns <- function(table, columns, file) {
  missing <- setdiff(columns, names(table))
  if (length(missing)) {
    stop(file, ": found no column ", paste(missing, collapse = ", "), ", expected ", paste(columns, collapse = ", "),
         call. = FALSE)
  }
  table
}

read_responses <- function(file) {
  columns <- c("unit", "channel")
  rows <- if (grepl("[.]parquet$", file)) with_columns(read_parquet(file), columns, file) else read_table(file, columns)
  if (!any(rows$unit %in% units$code)) {
    stop(file, ": found no answer to a unit of the round ", round, ", expected the responses of its archive", call. = FALSE)
  }
  rows
}

read_parquet <- function(file) {
  if (!file.exists(file)) stop(file, ": found no such file, expected responses.parquet", call. = FALSE)
  for (package in c("nanoparquet", "arrow")) {
    if (requireNamespace(package, quietly = TRUE)) return(as.data.frame(getExportedValue(package, "read_parquet")(file)))
  }
  stop("to read ", file, " R needs the package nanoparquet or arrow; or give the responses.csv that ",
       "`hailong round export ARCHIVE --format csv --out FOLDER` writes", call. = FALSE)
}

# What is not recorded is an empty cell in a CSV file.
labels_of <- function(table, columns) {
  lapply(columns, function(name) enc2utf8(ifelse(is.na(table[[name]]), "", as.character(table[[name]]))))
}
joined <- function(parts) enc2utf8(do.call(paste, c(parts, sep = "\r")))

# --- weights ---------------------------------------------------------------------------------------------------------

sums_by <- function(columns, group, n_groups) {
  columns <- as.matrix(columns)
  sums <- matrix(0, n_groups, ncol(columns))
  found <- rowsum(columns[!is.na(group), , drop = FALSE], group[!is.na(group)])
  sums[as.integer(rownames(found)), ] <- found
  sums
}

draw_sample <- function(rows) {
  # A ballot that rates several units counts once, however many rows it has.
  is_first <- if ("ballot" %in% names(rows)) !duplicated(rows$ballot) else rep(TRUE, nrow(rows))
  key <- joined(labels_of(rows, strata_columns))
  strata <- unique(key)
  stratum <- match(key, strata)
  weight <- rep(1, nrow(rows))
  people <- NULL
  if (!is.null(cells)) {
    cell <- match(joined(labels_of(rows, cell_columns)), joined(labels_of(cells, cell_columns)))
    if (anyNA(cell)) stop("found responses from a cell that the design does not count", call. = FALSE)
    home <- match(joined(labels_of(cells, strata_columns)), strata)
    expanded <- cells$population / cells$probability
    returned <- tabulate(cell[is_first], nrow(cells))
    people <- sums_by(expanded, home, length(strata))[, 1]
    reached <- sums_by(expanded * (returned > 0), home, length(strata))[, 1]
    # The people of a cell that nobody answered are shared out among the answering cells of its stratum.
    weight <- (expanded / returned)[cell] * (people / reached)[stratum]
    if (!is.null(nonresponse)) weight <- weights_by_class(home, expanded, returned)[cell]
  } else if (!is.null(population)) {
    home <- match(joined(labels_of(population, strata_columns)), strata)
    people <- sums_by(population$people, home, length(strata))[, 1]
    weight <- (people / tabulate(stratum[is_first], length(strata)))[stratum]
  }
  if (!is.null(household)) {
    size <- as.numeric(rows[[household]])
    known <- is_first & !is.na(size)
    if (any(known)) {
      # Who did not say it counts like the mean of those of the stratum who did, or of everybody where nobody did.
      means <- sums_by(size[known], stratum[known], length(strata))[, 1] / tabulate(stratum[known], length(strata))
      means[is.nan(means)] <- mean(size[known])
      weight <- weight * ifelse(is.na(size), means[stratum], size)
    }
  }
  weight <- rake_weights(rows, weight, is_first)
  if (!is.null(trim)) weight <- trimmed_weights(rows, weight, is_first)
  psu <- if (length(cluster_columns)) match(joined(c(list(stratum), labels_of(rows, cluster_columns))),
                                            unique(joined(c(list(stratum), labels_of(rows, cluster_columns)))))
  else seq_len(nrow(rows))
  n_psus <- tabulate(stratum[!duplicated(psu)], length(strata))
  is_census <- if (has_fpc) people == tabulate(stratum, length(strata)) else rep(FALSE, length(strata))
  frame <- data.frame(stratum = stratum, psu = psu, weight = weight)
  if (has_fpc) frame$people <- people[stratum]
  list(
    rows = rows, weight = weight, stratum = stratum, psu = psu, is_first = is_first,
    # From a stratum with one PSU nothing is estimated where the plan says "fail".
    is_lonely = lonely_psu == "fail" & (n_psus == 1 & !is_census)[stratum],
    design = svydesign(ids = if (length(cluster_columns)) ~psu else ~1, strata = ~stratum, weights = ~weight,
                       fpc = if (has_fpc) ~people, data = frame, nest = TRUE)
  )
}

# Within a class of cells it is taken to be chance who answers: those who do speak for all whom its cells stand for.
weights_by_class <- function(home, expanded, returned) {
  weight <- rep(NA_real_, nrow(cells))
  for (stratum in unique(home[returned > 0])) {
    here <- which(home == stratum)
    if ("psu" %in% names(cells)) here <- here[order(nchar(cells$psu[here]), enc2utf8(cells$psu[here]), method = "radix")]
    for (members in split(here, class_of_cells(returned[here]))) {
      answered <- members[returned[members] > 0]
      base <- expanded[answered] / nonresponse$issued[answered]
      weight[answered] <- base * sum(expanded[members]) / sum(base * returned[answered])
    }
  }
  weight
}

# Neighbours are joined until a class has enough answers; what is left at the end joins the last class.
class_of_cells <- function(n) {
  class <- rep(1, length(n))
  if (nonresponse$classes == "stratum" || sum(n) < nonresponse$smallest) return(class)
  number <- 1
  waiting <- 0
  for (place in seq_along(n)) {
    class[place] <- number
    waiting <- waiting + n[place]
    if (waiting >= nonresponse$smallest) {
      number <- number + 1
      waiting <- 0
    }
  }
  pmin(class, number - 1)
}

# What lies outside the bounds is cut off and given to the others of the unit in equal parts, until none lies outside.
trimmed_weights <- function(rows, weight, is_first) {
  ballot <- if ("ballot" %in% names(rows)) match(rows$ballot, rows$ballot) else seq_len(nrow(rows))
  group <- labels_of(rows, if ("unit" %in% strata_columns) "unit" else "stratum")[[1]]
  for (here in split(which(is_first), group[is_first])) {
    own <- weight[here]
    bounds <- if (is.null(trim$ratio)) trim$bounds * mean(own) else c(-Inf, trim$ratio * median(own))
    repeat {
      outside <- own < bounds[1] | own > bounds[2]
      if (!any(outside)) break
      cut <- pmin(pmax(own, bounds[1]), bounds[2])
      own <- ifelse(outside, cut, cut + sum(own - cut) / sum(!outside))
    }
    weight[here] <- own
  }
  weight[ballot]
}

rake_weights <- function(rows, weight, is_first) {
  # Who did not answer keeps their share of the people; the people of an answer that nobody gave are shared by the
  # other answers in proportion. What the cells must add up to is fixed before the first turn.
  targets <- list()
  for (margin in margins) {
    answer <- rows[[margin$item]]
    if (margin$is_number) answer <- ifelse(is.na(answer), NA, sprintf("%g", as.numeric(answer)))
    category <- match(enc2utf8(as.character(answer)), margin$answers)
    inside <- rep(TRUE, nrow(rows))
    if (margin$unit != "") inside <- labels_of(rows, "unit")[[1]] == margin$unit
    silent <- length(margin$answers) + 1
    group <- ifelse(inside, ifelse(is.na(category), silent, category), NA)
    sums <- sums_by(weight * is_first, group, silent)[, 1]
    if (all(sums[-silent] == 0)) next
    given <- ifelse(sums[-silent] > 0, margin$people, 0)
    share <- sums[silent] / sum(sums)
    wanted <- c(given / sum(given) * (1 - share), share) * sum(margin$people)
    targets[[length(targets) + 1]] <- list(group = group, wanted = wanted)
  }
  for (turn in seq_len(10000)) {
    worst <- 0
    for (target in targets) {
      ratio <- target$wanted / sums_by(weight * is_first, target$group, length(target$wanted))[, 1]
      worst <- max(worst, abs(ratio[is.finite(ratio)] - 1))
      factor <- ratio[target$group]
      weight <- weight * ifelse(is.na(factor), 1, factor)
    }
    if (worst < 1e-12) break
  }
  weight
}

# --- trees -----------------------------------------------------------------------------------------------------------

# What every node takes from each item and each figure: products of the shares on the way down.
coefficients_of <- function(tree) {
  nodes <- tree$nodes
  indicators <- c(tree$items, tree$hard)
  share <- nodes$weight / ave(nodes$weight, nodes$parent, FUN = sum)
  taken <- matrix(0, nrow(nodes), length(indicators), dimnames = list(nodes$code, indicators))
  for (leaf in which(nodes$indicator != "")) {
    place <- leaf
    product <- 1
    repeat {
      taken[place, nodes$indicator[leaf]] <- taken[place, nodes$indicator[leaf]] + product
      if (nodes$parent[place] == "") break
      product <- product * share[place]
      place <- match(nodes$parent[place], nodes$code)
    }
  }
  taken
}

points_of <- function(tree, values) {
  switch(tree$formula,
    share = ifelse(values >= tree$threshold, 100, 0),
    mean_of_maximum = 100 * values / max(values),
    rescaled = 100 * (values - min(values)) / (max(values) - min(values)),
    standardised = values
  )
}

scores_of <- function(tree, rows) {
  scored <- vapply(tree$items, function(item) {
    points <- points_of(tree, tree$values[[item]])
    as.numeric(points[match(as.character(rows[[item]]), names(points))])
  }, numeric(nrow(rows)))
  matrix(scored, nrow(rows), length(tree$items), dimnames = list(NULL, tree$items))
}

# The values of nodes from those of their indicators; a node that needs what is missing has none.
combined <- function(coefficients, values) {
  values <- matrix(values, ncol = ncol(coefficients))
  missing <- is.na(values)
  values[missing] <- 0
  found <- values %*% t(coefficients)
  found[(missing * 1) %*% t((coefficients != 0) * 1) > 0] <- NA
  found
}

# --- domains ---------------------------------------------------------------------------------------------------------

# The means of all items in each domain, and the linearised variable of each mean in its own domain.
domains_of <- function(sample, scores, domain, n_domains) {
  said <- !is.na(scores)
  weights <- sums_by(sample$weight * said, domain, n_domains)
  means <- sums_by(sample$weight * ifelse(said, scores, 0), domain, n_domains) / weights
  linear <- (scores - means[domain, , drop = FALSE]) / weights[domain, , drop = FALSE]
  linear[is.na(linear)] <- 0
  inside <- lapply(seq_len(n_domains), function(d) which(domain == d))
  list(
    domain = domain, means = means, linear = linear, inside = inside,
    n = vapply(inside, length, 0L), n_said = sums_by(said * 1, domain, n_domains), said_weights = weights,
    weights = sums_by(rep(1, nrow(scores)) * sample$weight, domain, n_domains)[, 1],
    df = vapply(inside, function(here) freedom(sample, here), 0),
    is_lonely = vapply(inside, function(here) any(sample$is_lonely[here]), TRUE)
  )
}

freedom <- function(sample, here) length(unique(sample$psu[here])) - length(unique(sample$stratum[here]))

error_of_totals <- function(columns, design) {
  colnames(columns) <- paste0("v", seq_len(ncol(columns)))
  as.vector(SE(svytotal(columns, design)))
}

# The standard error that combinations had in a simple random sample, drawn with replacement; 0 where all are alike.
plain_errors <- function(sample, domains, combination, d) {
  here <- domains$inside[[d]]
  squares <- colSums(sample$weight[here] * combination[here, , drop = FALSE]^2)
  n <- domains$n[d]
  if (n > 1) sqrt(squares * domains$weights[d] / (n - 1)) else rep(Inf, length(squares))
}

is_full_count <- function(domains, chosen) {
  has_fpc && all(vapply(chosen, function(d) max(domains$said_weights[d, ]) <= max(domains$n_said[d, ]) * (1 + 1e-9), TRUE))
}

fewest <- function(coefficients, counts) {
  vapply(seq_len(nrow(coefficients)), function(m) {
    needed <- coefficients[m, seq_along(counts)] != 0
    if (any(needed)) min(counts[needed]) else Inf
  }, 0)
}

# Where all n answers are alike, with this confidence so many of the people would answer so; the others may say anything.
alike_interval <- function(value, n, bounds) {
  share <- ((1 - level) / 2)^(1 / n)
  c(value - (1 - share) * (value - bounds[1]), value + (1 - share) * (bounds[2] - value))
}

t_interval <- function(value, se, df) value + c(-1, 1) * qt((1 + level) / 2, df) * se

# The t interval of the logit of a place on the scale; at an end of the scale there is no logit.
logit_interval <- function(value, se, df, bounds) {
  place <- (value - bounds[1]) / (bounds[2] - bounds[1])
  if (place <= 0 || place >= 1) return(t_interval(value, se, df))
  slope <- 1 / (place * (1 - place) * (bounds[2] - bounds[1]))
  bounds[1] + (bounds[2] - bounds[1]) * plogis(t_interval(qlogis(place), se * slope, df))
}

figure <- function(tree, unit, node, value, se, interval, df, method, bounds) {
  clipped <- pmin(pmax(c(value, interval), bounds[1]), bounds[2])
  data.frame(unit = unit, node = paste0(tree$prefix, node), estimate = clipped[1], se = se, low = clipped[2],
             high = clipped[3], df = df, method = method, stringsAsFactors = FALSE)
}

# --- linear profiles: shares, means of the maximum, rescaled means ---------------------------------------------------

# `groups` are the domains of each owner, of which it is the plain mean; `is_mean` where they are units of a group.
linear_figures <- function(tree, sample, domains, groups, is_mean) {
  coefficients <- coefficients_of(tree)
  bounds <- range(unlist(lapply(tree$items, function(item) points_of(tree, tree$values[[item]]))))
  values <- combined(coefficients, domains$means)
  combination <- domains$linear %*% t(coefficients)
  counts <- t(vapply(seq_along(domains$n), function(d) fewest(coefficients, domains$n_said[d, ]), numeric(nrow(coefficients))))
  has_figure <- !is.na(values) & domains$df > 0 & !domains$is_lonely & domains$n > 0
  df_design <- freedom(sample, seq_along(sample$psu))
  found <- list()
  for (owner in names(groups)) {
    members <- groups[[owner]]
    parts <- lapply(seq_len(nrow(coefficients)), function(m) members[has_figure[members, m]])
    shares <- matrix(0, length(domains$n), nrow(coefficients))
    for (m in seq_along(parts)) shares[parts[[m]], m] <- 1 / length(parts[[m]])
    if (!any(shares > 0)) next
    of_row <- shares[ifelse(is.na(domains$domain), 1, domains$domain), , drop = FALSE]
    of_row[is.na(domains$domain), ] <- 0
    errors <- error_of_totals(combination * of_row, sample$design)
    alike <- Reduce(`+`, lapply(members[domains$n[members] > 0], function(d) {
      part <- plain_errors(sample, domains, combination, d)
      ifelse(shares[d, ] > 0, (shares[d, ] * part)^2, 0)
    }))
    for (m in seq_along(parts)) {
      chosen <- parts[[m]]
      if (!length(chosen)) next
      df <- sum(domains$df[chosen])
      if (is_mean) df <- min(df, df_design)
      value <- mean(values[chosen, m])
      node <- tree$nodes$code[m]
      if (sqrt(alike[m]) < no_spread && !is_full_count(domains, chosen)) {
        n <- sum(counts[members, m])
        if (length(cluster_columns)) n <- min(n, df + 1)
        row <- figure(tree, owner, node, value, 0, alike_interval(value, n, bounds), df, "unanimous", bounds)
      } else {
        ends <- if (interval_kind == "logit") logit_interval(value, errors[m], df, bounds) else t_interval(value, errors[m], df)
        row <- figure(tree, owner, node, value, errors[m], ends, df, interval_kind, bounds)
      }
      found[[length(found) + 1]] <- row
    }
  }
  do.call(rbind, found)
}

linear_tree <- function(tree, sample) {
  unit <- match(labels_of(sample$rows, "unit")[[1]], units$code)
  scores <- scores_of(tree, sample$rows)
  everybody <- rep(1L, nrow(scores))
  has_people <- !is.null(cells) || !is.null(population)
  if (tree$is_module && "ballot" %in% names(sample$rows)) {
    # Nobody knows of which of the rated units a module speaks: all ballots together, one row each.
    if (aggregate == "persons" && !has_people) return(NULL)
    return(linear_figures(tree, sample, domains_of(sample, scores, everybody, 1), list(all = 1L), FALSE))
  }
  by_unit <- domains_of(sample, scores, unit, nrow(units))
  found <- linear_figures(tree, sample, by_unit, setNames(as.list(seq_len(nrow(units))), units$code), FALSE)
  blocs <- split(seq_len(nrow(units)), factor(units$bloc, unique(units$bloc)))
  names(blocs) <- paste0("bloc:", names(blocs))
  if (aggregate == "units") {
    groups <- c(blocs, list(all = seq_len(nrow(units))))
    return(rbind(found, linear_figures(tree, sample, by_unit, groups, TRUE)))
  }
  if (!has_people) return(found)
  bloc <- match(units$bloc, unique(units$bloc))[unit]
  by_bloc <- domains_of(sample, scores, bloc, length(blocs))
  rbind(
    found,
    linear_figures(tree, sample, by_bloc, setNames(as.list(seq_along(blocs)), names(blocs)), FALSE),
    linear_figures(tree, sample, domains_of(sample, scores, everybody, 1), list(all = 1L), FALSE)
  )
}

# --- standardised profiles: every unit between the lowest (1) and the highest (10) of its bloc -----------------------

standardised_tree <- function(tree, sample, hard) {
  coefficients <- coefficients_of(tree)
  items <- seq_along(tree$items)
  scale <- ifelse(tree$nodes$parent == "", tree$points / 10, 1)
  scores <- scores_of(tree, sample$rows)
  unit <- match(labels_of(sample$rows, "unit")[[1]], units$code)
  domains <- domains_of(sample, scores, unit, nrow(units))
  is_estimable <- domains$df > 0 & !domains$is_lonely
  means <- domains$means
  means[domains$n_said < suppress_below] <- NA
  means[domains$n < suppress_below | !is_estimable, ] <- NA
  values <- cbind(means, hard)
  draws <- drawn_means(sample, domains, means)
  df_design <- freedom(sample, seq_along(sample$psu))
  blocs <- split(seq_len(nrow(units)), factor(units$bloc, unique(units$bloc)))
  nodes <- list()
  drawn_nodes <- array(NA_real_, c(n_draws, nrow(units), nrow(coefficients)))
  found <- list()
  figures <- list()
  for (bloc in names(blocs)) {
    members <- blocs[[bloc]]
    own <- values[members, , drop = FALSE]
    ends <- extremes_of(tree, own)
    positions <- standard_scores(tree, own, ends)
    node_values <- combined(coefficients, positions) * rep(scale, each = length(members))
    for (draw in seq_len(n_draws)) {
      moved <- own
      moved[, items] <- moved[, items] + draws[draw, members, ]
      moved_scores <- standard_scores(tree, moved, extremes_of(tree, moved))
      drawn_nodes[draw, members, ] <- combined(coefficients, moved_scores) * rep(scale, each = length(members))
    }
    # Between fixed extremes a node is linear in the unit's own means.
    slope <- ifelse(ends$is_same, 0, 9 / (ends$high - ends$low)) * ifelse(tree$reversed, -1, 1)
    slope[is.na(slope)] <- 0
    linear <- coefficients[, items, drop = FALSE] * rep(slope[items], each = nrow(coefficients)) * scale
    combination <- domains$linear %*% t(linear)
    for (row in seq_along(members)) {
      u <- members[row]
      varies <- domains$n[u] > 0 & plain_errors(sample, domains, domains$linear, u) >= no_spread
      alike <- rowSums(linear[, varies, drop = FALSE] != 0) == 0
      fixed <- error_of_totals(combination * (!is.na(unit) & unit == u), sample$design)
      for (m in seq_len(nrow(coefficients))) {
        value <- node_values[row, m]
        if (is.na(value)) next
        asked <- any(coefficients[m, items] != 0)
        method <- if (!asked) "hard"
          else if (all(linear[m, ] == 0)) "midpoint"
          else if (alike[m] && !is_full_count(domains, u)) "unanimous"
          else "t_draws"
        df <- if (method == "hard") NA else domains$df[u]
        if (method == "t_draws") {
          # Noise makes extremes more extreme: how far the draws lie from the figure on average counts too.
          se <- sqrt(max(var(drawn_nodes[, u, m]), fixed[m]^2) + (mean(drawn_nodes[, u, m]) - value)^2)
          interval <- t_interval(value, se, df)
        } else {
          se <- 0
          interval <- widest(tree, coefficients[m, ], domains, own[row, ], positions[row, ], ends, u) * scale[m]
        }
        node <- tree$nodes$code[m]
        found[[length(found) + 1]] <- figure(tree, units$code[u], node, value, se, interval, df, method, bounds_of(tree, m))
        figures[[length(figures) + 1]] <- data.frame(u = u, m = m, value = value, low = interval[1], high = interval[2],
                                                     method = method, stringsAsFactors = FALSE)
      }
    }
  }
  figures <- do.call(rbind, figures)
  groups <- c(setNames(blocs, paste0("bloc:", names(blocs))), list(all = seq_len(nrow(units))))
  for (owner in names(groups)) {
    for (m in seq_len(nrow(coefficients))) {
      parts <- figures[figures$u %in% groups[[owner]] & figures$m == m, ]
      if (!nrow(parts)) next
      method <- intersect(c("t_draws", "unanimous", "midpoint", "hard"), parts$method)[1]
      df <- if (method == "hard") NA else min(sum(domains$df[parts$u]), df_design)
      value <- mean(parts$value)
      drawn <- rowMeans(matrix(drawn_nodes[, parts$u, m], nrow = n_draws))
      se <- if (method == "t_draws") sqrt(var(drawn) + (mean(drawn) - value)^2) else 0
      interval <- if (method == "t_draws") t_interval(value, se, df) else c(mean(parts$low), mean(parts$high))
      found[[length(found) + 1]] <- figure(tree, owner, tree$nodes$code[m], value, se, interval, df, method, bounds_of(tree, m))
    }
  }
  do.call(rbind, found)
}

bounds_of <- function(tree, m) if (m == 1) c(tree$points / 10, tree$points) else c(1, 10)

extremes_of <- function(tree, values) {
  pooled <- rbind(values, tree$earlier)
  some <- colSums(!is.na(pooled)) > 0
  low <- high <- rep(NA_real_, ncol(pooled))
  low[some] <- apply(pooled[, some, drop = FALSE], 2, min, na.rm = TRUE)
  high[some] <- apply(pooled[, some, drop = FALSE], 2, max, na.rm = TRUE)
  # Extremes that differ by rounding alone tell no units apart.
  list(low = low, high = high, is_same = some & high - low <= 1e-9 * pmax(1, abs(low), abs(high)))
}

standard_scores <- function(tree, values, ends) {
  n <- nrow(values)
  position <- (values - rep(ends$low, each = n)) / rep(ifelse(ends$is_same, NA, ends$high - ends$low), each = n)
  position <- pmin(pmax(position, 0), 1)
  backwards <- rep(tree$reversed, each = n)
  scores <- 1 + 9 * ifelse(backwards, 1 - position, position)
  is_same <- rep(ends$is_same, each = n)
  if (tree$same_extremes == "midpoint") scores <- ifelse(is_same & !is.na(values), 5.5, scores)
  matrix(scores, n)
}

# How low and how high a node may lie where no spread is seen.
widest <- function(tree, coefficients, domains, values, scores, ends, u) {
  low <- high <- ifelse(is.na(scores), 0, scores)
  for (k in which(coefficients[seq_along(tree$items)] != 0)) {
    if (ends$is_same[k]) {
      low[k] <- 1
      high[k] <- 10
      next
    }
    n <- domains$n_said[u, k]
    if (length(cluster_columns)) n <- min(n, domains$df[u] + 1)
    reach <- alike_interval(values[k], n, range(tree$values[[tree$items[k]]]))
    spread <- vapply(reach, function(mean) {
      bottom <- min(ends$low[k], mean)
      top <- max(ends$high[k], mean)
      share <- (mean - bottom) / (top - bottom)
      1 + 9 * if (tree$reversed[k]) 1 - share else share
    }, 0)
    low[k] <- min(spread)
    high[k] <- max(spread)
  }
  c(sum(coefficients * low), sum(coefficients * high))
}

# What draws from the joint normal law of all units' item means add to them; 0 where a unit is not rated.
drawn_means <- function(sample, domains, means) {
  n_units <- nrow(means)
  n_items <- ncol(means)
  draws <- array(0, c(n_draws, n_units, n_items))
  crosses <- any(rowSums(table(sample$stratum, domains$domain) > 0) > 1)
  batches <- if (crosses) list(seq_len(n_units)) else as.list(seq_len(n_units))
  for (batch in batches) {
    rated <- which(!is.na(means) & row(means) %in% batch, arr.ind = TRUE)
    if (!nrow(rated)) next
    columns <- vapply(seq_len(nrow(rated)), function(j) {
      domains$linear[, rated[j, 2]] * (!is.na(domains$domain) & domains$domain == rated[j, 1])
    }, numeric(nrow(domains$linear)))
    colnames(columns) <- paste0("v", seq_len(ncol(columns)))
    parts <- eigen(vcov(svytotal(columns, sample$design)), symmetric = TRUE)
    normal <- matrix(rnorm(n_draws * nrow(rated)), n_draws)
    moved <- normal %*% (sqrt(pmax(parts$values, 0)) * t(parts$vectors))
    for (j in seq_len(nrow(rated))) draws[, rated[j, 1], rated[j, 2]] <- moved[, j]
  }
  draws
}

# --- units against each other ----------------------------------------------------------------------------------------

# The values of all units at all nodes of a linear tree, and the joint covariance of one node.
units_of <- function(tree, sample) {
  unit <- match(labels_of(sample$rows, "unit")[[1]], units$code)
  domains <- domains_of(sample, scores_of(tree, sample$rows), unit, nrow(units))
  coefficients <- coefficients_of(tree)
  combination <- domains$linear %*% t(coefficients)
  has_people <- !is.null(cells) || !is.null(population)
  people <- if (aggregate == "persons" && has_people) sums_by(sample$weight, unit, nrow(units))[, 1] else rep(1, nrow(units))
  list(
    values = combined(coefficients, domains$means), df = domains$df, people = people,
    df_design = freedom(sample, seq_along(sample$psu)),
    covariance = function(m, chosen) {
      columns <- vapply(chosen, function(u) combination[, m] * (!is.na(unit) & unit == u), numeric(nrow(combination)))
      colnames(columns) <- paste0("v", seq_along(chosen))
      as.matrix(vcov(svytotal(columns, sample$design)))
    }
  )
}

# Satterthwaite (1946): the degrees of freedom of a sum of variances.
freedom_of_sum <- function(parts, df, most) min(if (sum(parts) > 0) sum(parts)^2 / sum(parts^2 / df) else sum(df), most)

# Each of some units against the mean of the others, weighted by their people.
against_others <- function(known, m, chosen) {
  covariance <- known$covariance(m, chosen)
  do.call(rbind, lapply(seq_along(chosen), function(j) {
    weight <- -known$people[chosen]
    weight[j] <- 0
    contrast <- weight / -sum(weight)
    contrast[j] <- 1
    df <- freedom_of_sum(contrast^2 * diag(covariance), pmax(known$df[chosen], 1), known$df_design)
    difference <- sum(contrast * known$values[chosen, m])
    se <- sqrt(max(0, drop(contrast %*% covariance %*% contrast)))
    data.frame(difference = difference, se = se, df = df, p = 2 * pt(-abs(difference) / se, df))
  }))
}

numbers_of <- function(table, names) {
  for (name in names) table[[name]] <- as.numeric(table[[name]])
  table
}

compare_differences <- function(stated, known, tree) {
  names <- c("difference", "se", "low", "high", "df", "p", "p_adjusted")
  stated <- numbers_of(stated, names)
  own <- stated
  own[, names] <- NA_real_
  at <- match(stated$node, tree$nodes$code)
  u <- match(stated$unit, units$code)
  for (bloc in unique(stated$bloc)) for (m in unique(at)) {
    # Which units are shown is the edition's business; those that are have a difference.
    rows <- which(stated$bloc == bloc & at == m & !is.na(stated$difference))
    if (length(rows) < 2) next
    own[rows, c("difference", "se", "df", "p")] <- against_others(known, m, u[rows])
  }
  is_tested <- !is.na(stated$p)
  own[!is_tested, c("se", "df", "p")] <- NA_real_
  kind <- tree$nodes$kind[at]
  family <- ifelse(kind == "index", paste("index", stated$bloc), paste(kind, stated$unit))
  for (name in unique(family[is_tested])) {
    rows <- which(is_tested & family == name)
    own$p_adjusted[rows] <- p.adjust(own$p[rows], "holm")
    half <- qt(1 - (1 - level) / length(rows) / 2, own$df[rows]) * own$se[rows]
    own$low[rows] <- own$difference[rows] - half
    own$high[rows] <- own$difference[rows] + half
  }
  verdict <- ifelse(!is_tested, "not_tested",
    ifelse(own$p_adjusted > 1 - level, "not_different", ifelse(own$difference > 0, "higher", "lower")))
  apart <- vapply(names, function(name) distance(own[[name]], stated[[name]]), numeric(nrow(stated)))
  apart <- matrix(apart, nrow(stated), dimnames = list(NULL, names))
  # The probability of what cannot be is told to few digits.
  apart[, c("p", "p_adjusted")][stated[, c("p", "p_adjusted")] < 1e-12] <- 0
  is_odd <- rowSums(apart > tolerance) > 0 | verdict != stated$verdict
  report("differences", is_odd, paste(stated$unit, stated$node))
}

# Normal deviates of the differences between units: of the same probability as their t.
deviates_of <- function(values, covariance, df, df_design) {
  n <- length(values)
  deviates <- matrix(0, n, n)
  for (j in seq_len(n)) for (k in seq_len(n)[-j]) {
    variances <- covariance[cbind(c(j, k), c(j, k))]
    t <- (values[j] - values[k]) / sqrt(sum(variances) - 2 * covariance[j, k])
    deviates[j, k] <- sign(t) * -qnorm(pt(-abs(t), freedom_of_sum(variances, df[c(j, k)], df_design)))
  }
  deviates
}

# The critical value of a family of hypotheses (j, k), that unit j does not lie above unit k, after those that it rejects
# have left the family (Romano and Wolf 2005): a stated value has to be the one of the hypotheses that it leaves.
critical_value <- function(stated, deviates, drawn, error, family) {
  family <- family[deviates[family] <= stated, , drop = FALSE]
  statistics <- (drawn[, family[, 1], drop = FALSE] - drawn[, family[, 2], drop = FALSE]) / rep(error[family], each = nrow(drawn))
  largest <- sort(do.call(pmax, as.data.frame(statistics)))
  largest[min(ceiling(level * (nrow(drawn) + 1)), nrow(drawn))]
}

compare_ranks <- function(stated, known, tiers) {
  stated <- numbers_of(stated, c("rank", "rank_low", "rank_high", "own_low", "own_high", "critical", "own_critical"))
  is_odd <- rep(FALSE, nrow(stated))
  furthest <- 0
  for (bloc in unique(stated$bloc)) {
    rows <- which(stated$bloc == bloc)
    chosen <- match(stated$unit[rows], units$code)
    values <- known$values[chosen, 1]
    covariance <- known$covariance(1, chosen)
    deviates <- deviates_of(values, covariance, pmax(known$df[chosen], 1), known$df_design)
    parts <- eigen(covariance, symmetric = TRUE)
    drawn <- matrix(rnorm(4000 * length(rows)), 4000) %*% (sqrt(pmax(parts$values, 0)) * t(parts$vectors))
    error <- sqrt(outer(diag(covariance), diag(covariance), "+") - 2 * covariance)
    pairs <- which(row(deviates) != col(deviates), arr.ind = TRUE)
    joint <- critical_value(stated$critical[rows[1]], deviates, drawn, error, pairs)
    for (i in seq_along(rows)) {
      row <- rows[i]
      mine <- pairs[pairs[, 1] == i | pairs[, 2] == i, , drop = FALSE]
      own <- critical_value(stated$own_critical[row], deviates, drawn, error, mine)
      apart <- abs(c(joint, own) / c(stated$critical[row], stated$own_critical[row]) - 1)
      furthest <- max(furthest, apart)
      rank <- 1 + sum(round(values, decimals) > round(values[i], decimals))
      ends <- function(critical) {
        c(min(1 + sum(deviates[i, ] < -critical), rank), max(length(rows) - sum(deviates[i, ] > critical), rank))
      }
      own_ends <- ends(stated$own_critical[row])
      all_ends <- ends(max(stated$critical[row], stated$own_critical[row]))
      said <- unlist(stated[row, c("rank", "rank_low", "rank_high", "own_low", "own_high")])
      tier <- tiers[[stated$unit[row]]]
      is_odd[row] <- any(apart > tolerance_of_critical_values) || any(said != c(rank, all_ends, own_ends)) ||
        (!is.null(tier) && tier != stated$tier[row])
    }
  }
  if (nrow(stated)) cat(sprintf("critical values differ from ours by at most %.1f %%\n", 100 * furthest))
  report("ranks", is_odd, stated$unit)
}

compare_formulas <- function(stated, sample, tree) {
  stated <- numbers_of(stated, c("threshold", "estimate", "se", "low", "high", "df"))
  is_odd <- rep(FALSE, nrow(stated))
  for (formula in unique(stated$formula[!is.na(stated$estimate)])) {
    rows <- which(stated$formula == formula & !is.na(stated$estimate))
    other <- tree
    other$formula <- formula
    if (formula == "share") other$threshold <- stated$threshold[rows[1]]
    # Under a standardised profile an item that is better the lower it is counts from the other end of its scale.
    for (item in tree$items[tree$reversed[seq_along(tree$items)]]) {
      other$values[[item]] <- setNames(sum(range(other$values[[item]])) - other$values[[item]], names(other$values[[item]]))
    }
    found <- linear_tree(other, sample)
    own <- found[match(paste(stated$unit[rows], tree$nodes$code[1]), paste(found$unit, found$node)), ]
    for (name in c("estimate", "se", "low", "high", "df")) {
      is_odd[rows] <- is_odd[rows] | apart_as_printed(name, own, stated[rows, ]) > tolerance
    }
    is_odd[rows] <- is_odd[rows] | is.na(own$method) | own$method != stated$method[rows]
  }
  report("formulas", is_odd, paste(stated$unit, stated$formula))
}

# Figures of subgroups are domain means like those of units; they are published with the digits of a page.
subgroup_figures <- function(tree, sample, group) {
  rows <- sample$rows
  answer <- rows[[group$item]]
  if (group$is_number) answer <- ifelse(is.na(answer), NA, sprintf("%g", as.numeric(answer)))
  option <- match(enc2utf8(as.character(answer)), group$options)
  n_options <- length(group$options)
  scores <- scores_of(tree, rows)
  unit <- match(labels_of(rows, "unit")[[1]], units$code)
  cells_of <- function(owner, codes) {
    names <- paste(rep(codes, each = n_options), rep(group$options, length(codes)), sep = "\r")
    domains <- domains_of(sample, scores, (owner - 1) * n_options + option, length(names))
    list(domains = domains, names = names)
  }
  by_unit <- cells_of(unit, units$code)
  groups <- setNames(as.list(seq_along(by_unit$names)), by_unit$names)
  found <- linear_figures(tree, sample, by_unit$domains, groups, FALSE)
  blocs <- split(seq_len(nrow(units)), factor(units$bloc, unique(units$bloc)))
  owners <- c(setNames(blocs, paste0("bloc:", names(blocs))), list(all = seq_len(nrow(units))))
  if (aggregate == "units") {
    totals <- list()
    for (owner in names(owners)) for (o in seq_len(n_options)) {
      totals[[paste(owner, group$options[o], sep = "\r")]] <- (owners[[owner]] - 1) * n_options + o
    }
    return(rbind(found, linear_figures(tree, sample, by_unit$domains, totals, TRUE)))
  }
  if (is.null(cells) && is.null(population)) return(found)
  of_codes <- function(owner, codes) {
    by <- cells_of(owner, codes)
    linear_figures(tree, sample, by$domains, setNames(as.list(seq_along(by$names)), by$names), FALSE)
  }
  bloc <- match(units$bloc, unique(units$bloc))[unit]
  rbind(found, of_codes(bloc, head(names(owners), -1)), of_codes(rep(1L, nrow(scores)), "all"))
}

# How far a printed number is from ours beyond what rounding to so many places explains, as a part of it.
apart_beyond_rounding <- function(found, stated, places) {
  beyond <- abs(found - stated) - 0.5 * 10^-places
  ifelse(is.na(found) != is.na(stated), Inf, ifelse(is.na(found), 0, pmax(beyond, 0) / pmax(abs(found), 1)))
}

compare_subgroups <- function(stated, sample, tree) {
  stated <- numbers_of(stated, c("estimate", "se", "low", "high", "df"))
  is_odd <- rep(FALSE, nrow(stated))
  for (group in subgroups) {
    rows <- which(stated$item == group$item & !is.na(stated$estimate))
    if (!length(rows)) next
    found <- subgroup_figures(tree, sample, group)
    wanted <- paste(stated$unit[rows], stated$option[rows], stated$node[rows], sep = "\r")
    own <- found[match(wanted, paste(found$unit, found$node, sep = "\r")), ]
    for (name in c("estimate", "se", "low", "high")) {
      places <- if (name == "se") decimals + 1 else decimals
      is_odd[rows] <- is_odd[rows] | apart_beyond_rounding(own[[name]], stated[[name]][rows], places) > tolerance
    }
    is_odd[rows] <- is_odd[rows] | is.na(own$method) | own$method != stated$method[rows] | own$df != stated$df[rows]
  }
  report("subgroups", is_odd, paste(stated$unit, stated$item, stated$option, stated$node))
}

# Johnson's relative weights (2000) of the first columns of a correlation matrix for its last one.
relative_weights <- function(correlations) {
  q <- ncol(correlations)
  parts <- eigen(correlations[-q, -q], symmetric = TRUE)
  root <- parts$vectors %*% (sqrt(parts$values) * t(parts$vectors))
  explained <- as.vector(root^2 %*% solve(root, correlations[-q, q])^2)
  list(shares = explained / sum(explained), r_squared = sum(explained))
}

# The shares with the influence of each row on them: each correlation comes from the rows that have both, and what it
# does to the shares is found by moving it a little.
measured_importance <- function(values, weight) {
  q <- ncol(values)
  correlations <- diag(q)
  pairs <- which(upper.tri(correlations), arr.ind = TRUE)
  parts <- lapply(seq_len(nrow(pairs)), function(i) {
    both <- which(!is.na(values[, pairs[i, 1]]) & !is.na(values[, pairs[i, 2]]))
    x <- values[both, pairs[i, 1]]
    y <- values[both, pairs[i, 2]]
    w <- weight[both]
    standard <- function(z) {
      z <- z - sum(w * z) / sum(w)
      z / sqrt(sum(w * z^2) / sum(w))
    }
    x <- standard(x)
    y <- standard(y)
    r <- sum(w * x * y) / sum(w)
    list(both = both, r = r, influence = w / sum(w) * (x * y - r / 2 * (x^2 + y^2)))
  })
  r <- vapply(parts, function(part) part$r, 0)
  correlations[pairs] <- r
  correlations[pairs[, 2:1]] <- r
  influence <- matrix(0, nrow(values), q - 1)
  step <- 1e-5
  for (i in seq_len(nrow(pairs))) {
    moved <- lapply(c(step, -step), function(by) {
      correlations[pairs[i, 1], pairs[i, 2]] <- correlations[pairs[i, 2], pairs[i, 1]] <- r[i] + by
      relative_weights(correlations)$shares
    })
    slope <- (moved[[1]] - moved[[2]]) / (2 * step)
    both <- parts[[i]]$both
    influence[both, ] <- influence[both, ] + parts[[i]]$influence %o% slope
  }
  c(relative_weights(correlations), list(influence = influence))
}

# What every respondent has at every node: the mean of what they answered of it, from 0 to 100 along the scale.
node_scores <- function(tree, rows) {
  on_scale <- tree
  on_scale$formula <- "rescaled"
  for (item in tree$items[tree$reversed[seq_along(tree$items)]]) {
    on_scale$values[[item]] <- setNames(sum(range(tree$values[[item]])) - tree$values[[item]], names(tree$values[[item]]))
  }
  scores <- scores_of(on_scale, rows)
  said <- !is.na(scores)
  coefficients <- t(coefficients_of(tree)[, seq_along(tree$items), drop = FALSE])
  found <- (ifelse(said, scores, 0) %*% coefficients) / (said %*% coefficients)
  found[is.nan(found)] <- NA
  found
}

compare_importance <- function(stated, sample, tree) {
  stated <- numbers_of(stated, c("importance", "se", "low", "high", "df", "n", "r_squared"))
  is_odd <- rep(FALSE, nrow(stated))
  scores <- node_scores(tree, sample$rows)
  satisfaction <- scores[, 1]
  if (!is.null(outcome)) {
    worth <- 100 * (outcome$values - min(outcome$values)) / (max(outcome$values) - min(outcome$values))
    satisfaction <- as.numeric(worth[match(as.character(sample$rows[[outcome$item]]), names(outcome$values))])
  }
  bloc <- units$bloc[match(labels_of(sample$rows, "unit")[[1]], units$code)]
  node <- match(stated$node, tree$nodes$code)
  for (name in unique(stated$bloc)) for (kind in c("factor", "criterion")) {
    # Which nodes have a share is the edition's business: those of a bloc and a level that do add up to one.
    rows <- which(stated$bloc == name & tree$nodes$kind[node] == kind & !is.na(stated$importance))
    if (!length(rows)) next
    here <- which(bloc == name)
    values <- cbind(scores[here, node[rows], drop = FALSE], satisfaction[here])
    own <- measured_importance(values, sample$weight[here])
    columns <- matrix(0, nrow(scores), length(rows))
    columns[here, ] <- own$influence / sample$weight[here]
    se <- error_of_totals(columns, sample$design)
    df <- freedom(sample, here)
    ends <- vapply(seq_along(rows), function(j) logit_interval(own$shares[j], se[j], df, c(0, 1)), c(0, 0))
    n <- min(crossprod(!is.na(values)))
    is_odd[rows] <- apart_beyond_rounding(own$shares, stated$importance[rows], 4) > tolerance |
      apart_beyond_rounding(se, stated$se[rows], 5) > tolerance |
      apart_beyond_rounding(ends[1, ], stated$low[rows], 4) > tolerance |
      apart_beyond_rounding(ends[2, ], stated$high[rows], 4) > tolerance |
      apart_beyond_rounding(rep(min(own$r_squared, 1), length(rows)), stated$r_squared[rows], 4) > tolerance |
      stated$df[rows] != df | stated$n[rows] != n
  }
  report("importance", is_odd, paste(stated$bloc, stated$node))
}

report <- function(what, is_odd, places) {
  for (place in head(places[is_odd], 20)) cat(sprintf("%s: found another row than expected: %s\n", what, place))
  cat(sprintf("%d rows of %s compared, %d differ\n", length(is_odd), what, sum(is_odd)))
  !any(is_odd)
}

# The further tables of an edition; what rests on draws of standardised scores is not repeated here.
compare_more <- function(rows, files) {
  options(survey.lonely.psu = if (lonely_psu == "fail") "certainty" else lonely_psu)
  set.seed(seed)
  rows <- rows[is.na(rows$channel) | rows$channel != "open_link", , drop = FALSE]
  sample <- draw_sample(rows)
  tree <- trees[[1]]
  agrees <- TRUE
  if (!is.null(files$formulas)) agrees <- compare_formulas(read_table(files$formulas, c("unit", "formula", "estimate")), sample, tree) && agrees
  if (!is.null(files$importance)) agrees <- compare_importance(read_table(files$importance, c("bloc", "node", "importance")), sample, tree) && agrees
  if (!is.null(files$subgroups)) agrees <- compare_subgroups(read_table(files$subgroups, c("unit", "item", "option", "node", "estimate")), sample, tree) && agrees
  if (is.null(files$differences) && is.null(files$ranks)) return(agrees)
  if (tree$formula == "standardised") {
    cat("differences and ranks of standardised scores rest on draws: not compared\n")
    return(agrees)
  }
  known <- units_of(tree, sample)
  tiers <- list()
  if (!is.null(files$differences)) {
    stated <- read_table(files$differences, c("unit", "node", "difference", "verdict"))
    agrees <- compare_differences(stated, known, tree) && agrees
    words <- c(higher = "above", lower = "below", not_different = "not_different", not_tested = "not_different")
    roots <- stated[stated$node == tree$nodes$code[1], ]
    tiers <- as.list(setNames(words[roots$verdict], roots$unit))
  }
  if (!is.null(files$ranks)) agrees <- compare_ranks(read_table(files$ranks, c("unit", "rank")), known, tiers) && agrees
  agrees
}

# --- all of it -------------------------------------------------------------------------------------------------------

hard_table <- function(file, indicators) {
  if (!length(indicators)) return(matrix(0, nrow(units), 0))
  if (is.null(file)) stop("this round rests on hard data: name the edition's hard.csv with --hard", call. = FALSE)
  given <- read_table(file, c("unit", "indicator", "value"))
  at <- match(outer(units$code, indicators, paste, sep = "\r"), paste(trimws(given$unit), trimws(given$indicator), sep = "\r"))
  matrix(as.numeric(given$value)[at], nrow(units))
}

recompute <- function(rows, hard_file) {
  options(survey.lonely.psu = if (lonely_psu == "fail") "certainty" else lonely_psu)
  set.seed(seed)
  # Nobody was drawn for answers from an open link.
  rows <- rows[is.na(rows$channel) | rows$channel != "open_link", , drop = FALSE]
  sample <- draw_sample(rows)
  do.call(rbind, lapply(trees, function(tree) {
    if (tree$formula == "standardised") return(standardised_tree(tree, sample, hard_table(hard_file, tree$hard)))
    if (tree$is_module && "ballot" %in% names(rows)) sample <- draw_sample(rows[!duplicated(rows$ballot), ])
    linear_tree(tree, sample)
  }))
}

distance <- function(found, stated) {
  both_missing <- is.na(found) & is.na(stated)
  apart <- abs(found - stated) / pmax(abs(found), abs(stated))
  apart[!is.na(apart) & abs(found - stated) <= rounding] <- 0
  apart[is.nan(apart) & found == stated] <- 0
  ifelse(both_missing, 0, ifelse(is.na(apart), Inf, apart))
}

# A total beside hidden units has the digits that pages have, and no others.
is_printed <- function(stated) {
  is_short <- function(name, places) abs(stated[[name]] - round(stated[[name]], places)) < 1e-9
  is_total <- stated$unit == "all" | startsWith(stated$unit, "bloc:")
  found <- is_total & is_short("estimate", decimals) & is_short("se", decimals + 1)
  !is.na(found) & found
}

apart_as_printed <- function(name, own, stated) {
  apart <- distance(own[[name]], stated[[name]])
  places <- if (name == "se") decimals + 1 else decimals
  near <- is_printed(stated) & !is.na(own[[name]]) & abs(own[[name]] - stated[[name]]) <= 0.5 * 10^-places + 1e-9
  ifelse(!is.na(near) & near, 0, apart)
}

compare <- function(found, stated) {
  for (name in c("estimate", "se", "low", "high", "df")) stated[[name]] <- as.numeric(stated[[name]])
  shown <- stated[!is.na(stated$estimate), ]
  own <- found[match(paste(shown$unit, shown$node, sep = "\r"), paste(found$unit, found$node, sep = "\r")), ]
  is_drawn <- shown$method == "t_draws"
  # Draws are not repeated here, digit by digit: the interval has to follow from the standard error that is stated.
  for (row in which(is_drawn & !is.na(own$estimate))) {
    tree <- trees[[1]]
    ends <- t_interval(own$estimate[row], shown$se[row], own$df[row])
    bounds <- bounds_of(tree, match(shown$node[row], tree$nodes$code))
    ends <- pmin(pmax(ends, bounds[1]), bounds[2])
    own$low[row] <- ends[1]
    own$high[row] <- ends[2]
  }
  apart <- vapply(c("estimate", "se", "low", "high", "df"), function(name) apart_as_printed(name, own, shown),
                  numeric(nrow(shown)))
  apart <- matrix(apart, nrow(shown), dimnames = list(NULL, c("estimate", "se", "low", "high", "df")))
  allowed <- matrix(tolerance, nrow(shown), 5)
  allowed[is_drawn, 2] <- tolerance_of_draws
  is_odd <- rowSums(apart > allowed) > 0 | is.na(own$method) | own$method != shown$method
  exact <- apart
  exact[is_drawn, "se"] <- 0
  cat(sprintf("%d figures compared, %d rows without one\n", nrow(shown), nrow(stated) - nrow(shown)))
  if (nrow(shown)) cat(sprintf("largest relative deviation of %-8s %.2g\n", colnames(exact), apply(exact, 2, max)), sep = "")
  if (any(is_drawn)) {
    cat(sprintf("%d standard errors rest on draws; they differ from ours by at most %.1f %%\n", sum(is_drawn),
                100 * max(apart[is_drawn, "se"])))
  }
  for (row in head(which(is_odd), 20)) {
    cat(sprintf("%s, %s: found %s, expected %s\n", shown$unit[row], shown$node[row],
                described(shown[row, ]), if (is.na(own$estimate[row])) "no figure" else described(own[row, ])))
  }
  if (any(is_odd)) cat(sprintf("%d figures differ\n", sum(is_odd))) else cat("all figures agree\n")
  !any(is_odd)
}

described <- function(row) {
  sprintf("%.9g (se %.9g, %.9g to %.9g, df %g, %s)", row$estimate, row$se, row$low, row$high, row$df, row$method)
}

arguments <- commandArgs(trailingOnly = TRUE)
files <- list()
further <- c("differences", "ranks", "formulas", "importance", "subgroups")
for (name in c("hard", further)) {
  option <- paste0("--", name)
  if (option %in% arguments) {
    files[[name]] <- arguments[match(option, arguments) + 1]
    arguments <- arguments[-(match(option, arguments) + 0:1)]
  }
}
if (!length(arguments) %in% 1:2 || anyNA(files)) {
  cat("usage: Rscript recompute.R RESPONSES.csv|RESPONSES.parquet [ESTIMATES.csv] [--hard HARD.csv]",
      "       [--differences DIFFERENCES.csv] [--ranks RANKS.csv] [--formulas FORMULAS.csv]",
      "       [--importance IMPORTANCE.csv] [--subgroups SUBGROUPS.csv]", sep = "\n", file = stderr())
  quit(status = 2)
}
responses <- read_responses(arguments[1])
if (length(arguments) == 2) {
  stated <- read_table(arguments[2], c("unit", "node", "estimate", "se", "low", "high", "df", "method"))
}
found <- recompute(responses, files$hard)
more <- if (any(further %in% names(files))) compare_more(responses, files) else TRUE
if (length(arguments) == 2) {
  quit(status = if (compare(found, stated) && more) 0 else 1)
}
if (any(further %in% names(files))) quit(status = if (more) 0 else 1)
write.csv(found, "recomputed.csv", row.names = FALSE, na = "")
cat(sprintf("recomputed.csv: %d figures, also of very few people; keep it with the archive\n", nrow(found)))
