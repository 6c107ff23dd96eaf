# Draws what `ecg report` wrote: gnuplot -c plot.gp OUT_DIR AHEAD makes OUT_DIR/ecg.svg, and ecg.png if it can.
# SPDX-License-Identifier: MIT
dir = ARG1
ahead = ARG2 # "25 ms"
signal = dir . '/forecast.txt'
surprises = dir . '/surprises.txt'

stats signal using 1 nooutput
from = STATS_min
to = STATS_max
stats surprises using 1 nooutput
n_surprises = STATS_records

ink = '#444444'
set border 3 linecolor rgb ink linewidth 0.75
set tics nomirror out scale 0.5 textcolor rgb ink
set grid ytics linecolor rgb '#e4e4e4' linewidth 0.5 dashtype solid
set xrange [from:to]
set ytics 1
set lmargin 8
set rmargin 2
set style line 1 linecolor rgb '#a3adb8' linewidth 2.6
set style line 2 linecolor rgb '#0b6e99' linewidth 1.1
set style line 3 linecolor rgb '#c2452d' linewidth 1.0

# Shades the surprises that are in view; the first of the table is the largest and lies in the middle.
do for [k = 0:n_surprises - 1] {
  stats surprises using 1 every ::k::k nooutput
  a = STATS_min < from ? from : STATS_min
  stats surprises using 2 every ::k::k nooutput
  b = STATS_min > to ? to : STATS_min
  if (a < b) {
    set object k + 1 rectangle from first a, graph 0 to first b, graph 1 behind fillcolor rgb (k == 0 ? '#fbe3d3' : '#fdf3ec') fillstyle solid noborder
  }
  if (k == 0) {
    label_at = b
  }
}

draw = 'set multiplot; \
set tmargin at screen 0.90; set bmargin at screen 0.46; \
set format x ""; unset xlabel; set ylabel "mV" textcolor rgb ink; set yrange [*:*]; \
set key at graph 1, graph 1.1 right top horizontal Left reverse samplen 1.5 width 1 textcolor rgb ink; \
plot signal using 1:2 with lines linestyle 1 title "signal", \
     signal using 1:3 with lines linestyle 2 title "forecast " . ahead . " ahead"; \
set tmargin at screen 0.40; set bmargin at screen 0.17; \
unset key; set format x "%g"; set xlabel "time (s)" offset 0, 0.3 textcolor rgb ink; \
set ylabel "error (mV)" textcolor rgb ink; \
set label 1 "  largest surprise" at first label_at, graph 0.85 left textcolor rgb "#c2452d"; \
plot signal using 1:4 with lines linestyle 3; \
unset label 1; unset multiplot'

if (strstrt(GPVAL_TERMINALS, 'pngcairo') > 0) {
  set terminal pngcairo size 1800, 840 font 'Helvetica,12' fontscale 2 linewidth 2
  set output dir . '/ecg.png'
  eval(draw)
  set output
}
set terminal svg size 900, 420 font 'Helvetica,13' background rgb 'white'
set output dir . '/ecg.svg'
eval(draw)
set output
