#include "bench/demo_site/pages.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace tidemark::demo
{
namespace
{
constexpr Article kArticles[] = {
    {"springs-and-neaps", "Springs and neaps", "moon basics",
     "Why the tide is twice as large in some weeks as in others.",
     "<p>The moon pulls the sea, and the sun pulls it too, a little less than half as hard. When "
     "the two stand in line, at new and at full moon, their pulls add up: high water is higher, "
     "low water lower. Sailors call these <em>springs</em>, and the season has nothing to do with "
     "it.</p><p>A week later sun and moon stand at a right angle and work against each other. The "
     "range shrinks, the mud stays covered, the moorings stay quiet. Those are the "
     "<em>neaps</em>.</p><p>The sea needs time to follow, so the largest tide comes a day or two "
     "after the full moon, not with it.</p>"},
    {"the-rule-of-twelfths", "The rule of twelfths", "basics seamanship",
     "How deep is it now? A sum that fits on the back of a hand.",
     "<p>From low to high water takes about six hours. In the first hour the tide rises by one "
     "twelfth of its range, in the second by two, in the third and fourth by three each, then by "
     "two and by one again.</p><p>So half of all the water comes in the middle two hours. That is "
     "when the stream through the harbour mouth runs hardest, and when nobody at Saltby Quay rows "
     "out for fun.</p>"},
    {"reading-a-tide-table", "Reading a tide table", "basics",
     "Four lines a day, and what they leave out.",
     "<p>A table names the times of high and low water and their height above chart datum, a level "
     "that the tide rarely falls below. Depth is what the chart says plus what the table "
     "says.</p><p>It knows nothing of the weather. A gale from the north piles water up, high "
     "pressure presses it down: a centimetre for every hectopascal. The lead line has the last "
     "word.</p>"},
    {"the-marks-on-the-quay", "The marks on the quay", "history seamanship",
     "A tidemark is a promise about yesterday.",
     "<p>On the wall at Larkmouth there are lines cut into the stone, each with a year. The lowest "
     "is from 1783 and the highest is from a night that people still talk about.</p><p>A mark "
     "tells how far the sea has come. It does not tell how far it will come. For that there is a "
     "table, and somebody who keeps it up to date.</p>"},
};

std::string page(std::string_view title, std::string_view main)
{
    return fmt::format(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{} · Harbour Tides</title>
<link rel="icon" href="/images/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
<script src="/assets/tide.js" defer></script>
</head>
<body>
<header><a href="/"><img src="/images/logo.svg" alt="" width="32" height="32"> Harbour Tides</a>
<span id="clock"></span></header>
<main>
{}
</main>
<footer>Invented harbours, honest arithmetic. All times are UTC. Not for navigation.</footer>
</body>
</html>
)",
                       title, main);
}

std::string date_text(WallTime t)
{
    return fmt::format("{:%A, %d %B %Y}", fmt::gmtime(since_epoch(t).count()));
}

std::string timetable(const Harbour& harbour, WallTime midnight, int days)
{
    std::string rows;
    for (int day = 0; day < days; ++day) {
        const WallTime from = midnight + Seconds{86'400} * day;
        rows += fmt::format("<tr><th colspan=\"3\">{}</th></tr>\n", date_text(from));
        for (const Water& water : waters(harbour, from, Seconds{86'400}))
            rows += fmt::format(
                "<tr class=\"{}\" data-at=\"{}\"><td>{}</td><td>{}</td><td>{:.1f} m</td></tr>\n",
                water.high ? "high" : "low", since_epoch(water.at).count(),
                water.high ? "High water" : "Low water", time_text(water.at), water.metres);
    }
    return "<table>\n" + rows + "</table>\n";
}

std::string harbour_card(const Harbour& harbour, WallTime midnight)
{
    std::string times;
    for (const Water& water : waters(harbour, midnight, Seconds{86'400}))
        if (water.high) times += (times.empty() ? "" : " and ") + time_text(water.at);
    return fmt::format("<a class=\"card\" href=\"/harbours/{0}\"><img src=\"/images/{0}.svg\" "
                       "alt=\"\"><h3>{1}</h3><p>High water at {2}</p></a>\n",
                       harbour.slug, harbour.name, times);
}
} // namespace

std::span<const Article> articles() noexcept
{
    return kArticles;
}

std::string time_text(WallTime t)
{
    return fmt::format("{:%H:%M}", fmt::gmtime(since_epoch(t).count()));
}

std::string front_page(WallTime midnight)
{
    std::string main =
        fmt::format("<h1>Tides for {}</h1>\n<section class=\"cards\">\n", date_text(midnight));
    for (const Harbour& harbour : harbours())
        main += harbour_card(harbour, midnight);
    main += "</section>\n<h2>To read while you wait</h2>\n<ul>\n";
    for (const Article& article : articles())
        main += fmt::format("<li><a href=\"/articles/{}\">{}</a>: {}</li>\n", article.slug,
                            article.title, article.teaser);
    main += "</ul>\n<h2>The waters around us</h2>\n<img class=\"chart\" src=\"/images/chart.png\" "
            "alt=\"A chart of depths\" width=\"480\" height=\"200\">\n"
            "<h2>For those who came to try a cache</h2>\n<ul>\n"
            "<li><a href=\"/slow\">/slow</a> takes two seconds to answer, then may be kept a "
            "minute</li>\n"
            "<li><a href=\"/counter\">/counter</a> may be kept five seconds, and shown stale for "
            "half a minute while it is fetched anew</li>\n"
            "<li><a href=\"/private\">/private</a> must never be kept</li>\n"
            "<li><a href=\"/big?bytes=10000000\">/big?bytes=N</a> is as long as you ask for</li>\n"
            "<li>POST to /upload and read back its length and SHA-256</li>\n</ul>";
    return page("Today", main);
}

std::string harbour_page(const Harbour& harbour, WallTime midnight)
{
    return page(
        harbour.name,
        fmt::format("<h1>{0}</h1>\n<p>{1}</p>\n<img class=\"curve\" src=\"/images/{2}.svg\" "
                    "alt=\"The tide today\">\n{3}<p><a href=\"/\">All harbours</a></p>",
                    harbour.name, harbour.about, harbour.slug, timetable(harbour, midnight, 3)));
}

std::string article_page(const Article& article)
{
    return page(article.title,
                fmt::format("<article><h1>{}</h1>\n{}</article>\n<p class=\"tags\">Filed under "
                            "{}</p>\n<p><a href=\"/\">Back to the tables</a></p>",
                            article.title, article.paragraphs, article.tags));
}

std::string note_page(std::string_view heading, std::string_view html)
{
    return page(heading, fmt::format("<h1>{}</h1>\n{}", heading, html));
}

std::string_view style_css() noexcept
{
    return R"(:root { --sea: #1f6f8b; --foam: #f4f8f9; --ink: #20343c; --sand: #e2cd96; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--foam); color: var(--ink);
       font: 17px/1.55 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
header { display: flex; justify-content: space-between; align-items: center;
         padding: .7rem 1.2rem; background: var(--sea); color: #fff; }
header a { display: flex; gap: .6rem; align-items: center; color: inherit; font-weight: 600;
           text-decoration: none; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem 1.2rem 2rem; }
h1 { font-size: 1.8rem; line-height: 1.2; } h2 { margin-top: 2rem; font-size: 1.25rem; }
a { color: var(--sea); } article { max-width: 38rem; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
.card { overflow: hidden; border-radius: .6rem; background: #fff; color: inherit;
        text-decoration: none; box-shadow: 0 1px 4px #20343c33; }
.card img { display: block; width: 100%; } .card h3, .card p { margin: .4rem .8rem; }
.curve, .chart { max-width: 100%; height: auto; border-radius: .6rem; }
table { border-collapse: collapse; margin: 1rem 0; min-width: 20rem; background: #fff; }
th { padding: .5rem .8rem; background: var(--sand); text-align: left; }
td { padding: .3rem .8rem; border-bottom: 1px solid #dce6ea; } .high td { font-weight: 600; }
tr.next td { background: #dcebf0; } .tags { color: #5b7079; font-size: .9rem; }
footer { padding: 1rem 1.2rem; color: #5b7079; font-size: .85rem; text-align: center; }
)";
}

std::string_view tide_js() noexcept
{
    return R"(// The clock in the corner, and a mark on the next high or low water.
function tick() {
  const now = new Date();
  document.getElementById('clock').textContent = now.toISOString().slice(11, 16) + ' UTC';
  let next = null;
  for (const row of document.querySelectorAll('tr[data-at]')) {
    row.classList.remove('next');
    if (!next && row.dataset.at * 1000 > now.getTime()) next = row;
  }
  if (next) next.classList.add('next');
}
tick();
setInterval(tick, 10000);
)";
}
} // namespace tidemark::demo
