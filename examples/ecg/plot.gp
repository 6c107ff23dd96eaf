# Draws what `ecg report` wrote: gnuplot -c plot.gp OUT_DIR AHEAD makes OUT_DIR/ecg.svg, and ecg.png if it can.
# SPDX-License-Identifier: MIT
dir = ARG1
ahead = ARG2 # "25 ms"
signal = dir . '/forecast.txt'
worst = dir . '/surprises.txt'

stats signal using 1 nooutput
from = STATS_min
to = STATS_max
stats worst using 1 nooutput
n_worst = STATS_records

ink = '#444444'
set border 3 linecolor rgb ink linewidth 0.75
set tics nomirror out scale 0.5 textcolor rgb ink
set grid ytics linecolor rgb '#e4e4e4' linewidth 0.5 dashtype solid
set xrange [from:to]
set lmargin 9
set rmargin 2
set style line 1 linecolor rgb '#9aa5b1' linewidth 2.4
set style line 2 linecolor rgb '#0b6e99' linewidth 1.1
set style line 3 linecolor rgb '#c2452d' linewidth 0.9

# The five half seconds; the first is the worst.
do for [k = 0:n_worst - 1] {
  stats worst using 1 every ::k::k nooutput
  a = STATS_min
  stats worst using 2 every ::k::k nooutput
  b = STATS_min
  a = a < from ? from : a
  b = b > to ? to : b
  if (a < b) {
    set object k + 1 rectangle from first a, graph 0 to first b, graph 1 behind fillcolor rgb (k == 0 ? '#f9dcc8' : '#fcf3ec') fillstyle solid noborder
  }
}

draw = 'set multiplot; \
set tmargin at screen 0.90; set bmargin at screen 0.44; \
set format x ""; set xlabel; set ylabel "mV" textcolor rgb ink; set key at graph 1, graph 1.16 right top horizontal samplen 1.5 textcolor rgb ink; \
set yrange [*:*]; set ytics 1; \
plot signal using 1:2 with lines linestyle 1 title "signal", signal using 1:3 with lines linestyle 2 title "forecast, said ' . ahead . ' before"; \
set tmargin at screen 0.38; set bmargin at screen 0.14; \
set format x "%g"; set xlabel "time (s); shaded: the half seconds that surprised the network most" textcolor rgb ink; set ylabel "error (mV)" textcolor rgb ink; unset key; set yrange [*:*]; set ytics 1; \
plot signal using 1:4 with lines linestyle 3; \
unset multiplot'

set terminal svg size 900,420 font 'Helvetica,13' background rgb 'white'
set output dir . '/ecg.svg'
eval(draw)
set output

if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {
  set terminal pngcairo size 1800,840 font 'Helvetica,13' fontscale 2 linewidth 2
  set output dir . '/ecg.png'
  eval(draw)
  set output
}
