#include "bench/load/report.hpp"

#include <algorithm>

namespace tidemark::bench
{
std::string_view name_of(Failure failure) noexcept
{
    switch (failure) {
    case Failure::connect:
        return "connect";
    case Failure::closed:
        return "closed";
    case Failure::truncated:
        return "truncated";
    case Failure::malformed:
        return "malformed";
    case Failure::timeout:
        return "timeout";
    case Failure::unsent:
        return "unsent";
    }
    return "unknown";
}

void Report::add_response(const Response& response, MonoTime intended, MonoTime now) noexcept
{
    last_response_ = std::max(last_response_, now);
    ++responses_;
    ++statuses_[response.status];
    ++cache_words_[static_cast<std::size_t>(response.cache)];
    body_bytes_ += response.body_bytes;
    latency_.record(now - intended);
}

void Report::add_failure(Failure failure) noexcept
{
    ++failures_[static_cast<std::size_t>(failure)];
}

void Report::add_given_up(Failure failure, Nanos latency) noexcept
{
    add_failure(failure);
    latency_.record(latency);
}

void Report::merge(const Report& other) noexcept
{
    const auto add = [](auto& into, const auto& from) {
        for (std::size_t i = 0; i < into.size(); ++i)
            into[i] += from[i];
    };
    responses_ += other.responses_;
    last_response_ = std::max(last_response_, other.last_response_);
    add(failures_, other.failures_);
    add(statuses_, other.statuses_);
    add(cache_words_, other.cache_words_);
    body_bytes_ += other.body_bytes_;
    received_bytes_ += other.received_bytes_;
    latency_.merge(other.latency_);
    send_delay_.merge(other.send_delay_);
}

void Report::clear() noexcept
{
    responses_ = 0;
    last_response_ = MonoTime{};
    failures_.fill(0);
    statuses_.fill(0);
    cache_words_.fill(0);
    body_bytes_ = 0;
    received_bytes_ = 0;
    latency_.clear();
    send_delay_.clear();
}

std::uint64_t Report::failures() const noexcept
{
    std::uint64_t sum = 0;
    for (const std::uint64_t count : failures_)
        sum += count;
    return sum;
}

std::uint64_t Report::requests() const noexcept
{
    return responses_ + failures() - failures(Failure::connect);
}
} // namespace tidemark::bench
