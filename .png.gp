# Written by oclstm bench; run it again with: gnuplot THIS_FILE
$data << END
"T 3 B 1 I 2 H 2 lstm" 0.00434625
END
set terminal png size 448,700
set output '.png'
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set grid ytics
set logscale y
set ylabel 'GFLOP/s'
set xtics rotate by -40 scale 0
set key outside top center horizontal
set title 'AMD EPYC'
plot $data using 2:xtic(1) title 'oclstm auto f32'
