#include "core/http/date.hpp"
#include "core/http/field.hpp"
#include "core/http/parser.hpp"

#include <benchmark/benchmark.h>
#include <string>

// What the pure parts of a hit cost each, in nanoseconds: to see which of them a change made
// dearer.
namespace
{
using namespace tidemark;
using namespace tidemark::http;

constexpr std::string_view kShortGet = "GET /hit/1024 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
constexpr std::string_view kBrowserGet =
    "GET /articles/springs-and-neaps?from=front HTTP/1.1\r\n"
    "Host: tides.example\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: http://tides.example/\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: seen=1; harbour=larkmouth\r\n"
    "If-None-Match: \"5d41402abc4b2a76\"\r\n\r\n";
constexpr std::string_view kOriginAnswer = "HTTP/1.1 200 OK\r\n"
                                           "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                           "Content-Type: text/html; charset=utf-8\r\n"
                                           "Content-Length: 1024\r\n"
                                           "Cache-Control: public, max-age=60\r\n"
                                           "ETag: \"5d41402abc4b2a76\"\r\n"
                                           "Surrogate-Key: site articles moon\r\n\r\n";
constexpr std::string_view kDates[] = {
    "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};
constexpr WallTime kNow = wall_time_of(Seconds{1'700'000'000});

void request_head(benchmark::State& state, std::string_view bytes)
{
    RequestParser parser{HeadLimits{}};
    parser.set_scheme("http");
    for (auto _ : state) {
        std::size_t consumed = 0;
        const auto progress = parser.feed(bytes, consumed);
        if (!progress || consumed != bytes.size()) {
            state.SkipWithError("the head was refused");
            break;
        }
        benchmark::DoNotOptimize(parser.head());
        parser.reset();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK_CAPTURE(request_head, short_get, kShortGet);
BENCHMARK_CAPTURE(request_head, browser_get, kBrowserGet);

void response_head(benchmark::State& state)
{
    ResponseParser parser{HeadLimits{}};
    for (auto _ : state) {
        std::size_t consumed = 0;
        parser.set_request_method(Method::get);
        const auto progress = parser.feed(kOriginAnswer, consumed);
        if (!progress || consumed != kOriginAnswer.size()) {
            state.SkipWithError("the head was refused");
            break;
        }
        benchmark::DoNotOptimize(parser.head());
        parser.reset();
    }
}
BENCHMARK(response_head);

void field_name_lookup(benchmark::State& state, std::string_view name)
{
    for (auto _ : state) {
        benchmark::DoNotOptimize(name);
        benchmark::DoNotOptimize(field_id(name));
    }
}
BENCHMARK_CAPTURE(field_name_lookup, known, "Cache-Control");
BENCHMARK_CAPTURE(field_name_lookup, unknown, "X-Requested-With");

void date_read(benchmark::State& state)
{
    const std::string_view text = kDates[state.range(0)];
    for (auto _ : state)
        benchmark::DoNotOptimize(parse_date(text, kNow));
    state.SetLabel(std::string(text));
}
BENCHMARK(date_read)->DenseRange(0, 2);

void date_write(benchmark::State& state)
{
    std::string out;
    for (auto _ : state) {
        out.clear();
        append_date(out, kNow);
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(date_write);
} // namespace

BENCHMARK_MAIN();
