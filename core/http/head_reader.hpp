#pragma once
#include "core/base/check.hpp"
#include "core/base/result.hpp"
#include "core/http/parser.hpp"
#include "core/http/start_line.hpp"

#include <algorithm>
#include <cstdint>
#include <llhttp.h>
#include <string>
#include <string_view>
#include <vector>

// How both parsers gather a head and have it read. Inner part of parser.cpp.
namespace tidemark::http
{
// llhttp run over one head. It notes where the field names are; values follow from them.
class FieldScanner
{
  public:
    FieldScanner(llhttp_type_t type, std::uint32_t fields_max);
    FieldScanner(const FieldScanner&) = delete; // llhttp keeps a pointer to it
    FieldScanner& operator=(const FieldScanner&) = delete;

    void reset() noexcept;
    // Reads on in `head`, which holds all that was there before (perhaps elsewhere in memory) and
    // more. The size of the head once it is complete, 0 until then.
    [[nodiscard]] Result<std::size_t, HeadError> scan(std::string_view head) noexcept;
    // The field lines of the complete `head`, whose first line has `line_bytes`. Tests their layout
    // byte by byte: what llhttp lets pass (empty names, obs-fold, a bare LF) ends here.
    [[nodiscard]] Result<void, HeadError> collect(std::string_view head, std::size_t line_bytes,
                                                  FieldList& fields) const;

  private:
    struct NameSpan {
        std::uint32_t at;
        std::uint32_t bytes;
    };
    static llhttp_settings_t settings() noexcept;
    void on_name(const char* at, std::size_t bytes);
    [[nodiscard]] bool has_too_many() const noexcept { return names_.size() > fields_max_; }
    [[nodiscard]] HeadError error_of(llhttp_errno_t error) const noexcept;

    llhttp_type_t type_;
    std::uint32_t fields_max_;
    const char* head_ = nullptr; // during scan()
    std::size_t scanned_ = 0;
    llhttp_t parser_;
    std::vector<NameSpan> names_;
};

// Gathers one head: blank lines, the first line (a RequestLine or a StatusLine), the fields. A head
// that lies in one read is read where it is; of one that does not, the bytes are kept and each is
// looked at once.
template <class Line> class HeadReader
{
  public:
    HeadReader(llhttp_type_t type, const HeadLimits& limits, std::uint32_t blank_lines)
        : limits_(limits), blank_lines_max_(blank_lines), scanner_(type, limits.fields)
    {
    }

    [[nodiscard]] Result<HeadProgress, HeadError> feed(std::string_view bytes,
                                                       std::size_t& consumed)
    {
        TIDEMARK_CHECK(phase_ == Phase::reading);
        const auto progress = read(bytes, consumed);
        if (!progress)
            phase_ = Phase::failed;
        else if (*progress == HeadProgress::complete)
            phase_ = Phase::complete;
        return progress;
    }
    // Once complete: all bytes of the head, and its first line's parts.
    [[nodiscard]] std::string_view head() const noexcept { return head_; }
    [[nodiscard]] const Line& line() const noexcept { return line_; }
    [[nodiscard]] Result<void, HeadError> collect(FieldList& fields) const
    {
        return scanner_.collect(head_, line_bytes_, fields);
    }
    [[nodiscard]] bool started() const noexcept { return started_; }

    void reset() noexcept
    {
        phase_ = Phase::reading;
        started_ = cr_seen_ = false;
        blank_lines_ = 0;
        line_bytes_ = line_scanned_ = 0;
        head_ = {};
        scanner_.reset();
        kept_.clear();
        if (kept_.capacity() > kKeptBytesIdle) kept_.shrink_to_fit();
    }

  private:
    enum class Phase : std::uint8_t { reading, complete, failed };
    static constexpr std::size_t kKeptBytesIdle = 2048;

    [[nodiscard]] Result<HeadProgress, HeadError> read(std::string_view bytes,
                                                       std::size_t& consumed)
    {
        const auto blank_bytes = started_ ? 0 : skip_blank_lines(bytes);
        if (!blank_bytes) return fail(blank_bytes.error());
        consumed = *blank_bytes;
        bytes.remove_prefix(consumed);
        if (bytes.empty()) return HeadProgress::need_more;
        started_ = true;

        const std::size_t kept_before = kept_.size();
        const std::size_t room = limits_.head_bytes - kept_before;
        if (kept_before != 0) kept_.append(bytes.substr(0, room));
        const std::string_view gathered =
            kept_before != 0 ? std::string_view(kept_) : bytes.substr(0, room);
        const auto head_bytes = advance(gathered);
        if (!head_bytes) return fail(head_bytes.error());
        if (*head_bytes != 0) {
            head_ = gathered.substr(0, *head_bytes);
            consumed += *head_bytes - kept_before;
            return HeadProgress::complete;
        }
        if (gathered.size() >= limits_.head_bytes) return fail(HeadError::head_too_large);
        if (kept_before == 0) kept_.assign(bytes);
        consumed += bytes.size();
        return HeadProgress::need_more;
    }

    // The bytes of the CRLFs at the front (RFC 9112 §2.2). They are not kept.
    [[nodiscard]] Result<std::size_t, HeadError> skip_blank_lines(std::string_view bytes) noexcept
    {
        std::size_t at = 0;
        for (; at < bytes.size(); ++at) {
            if (cr_seen_) {
                if (bytes[at] != '\n') return fail(HeadError::malformed);
                cr_seen_ = false;
            } else if (bytes[at] == '\r') {
                if (blank_lines_ == blank_lines_max_) return fail(HeadError::malformed);
                ++blank_lines_;
                cr_seen_ = true;
            } else
                break;
        }
        return at;
    }

    // The size of the head if it is complete, else 0.
    [[nodiscard]] Result<std::size_t, HeadError> advance(std::string_view gathered)
    {
        if (line_bytes_ == 0) {
            const auto line_bytes = find_line(gathered);
            if (!line_bytes || *line_bytes == 0) return line_bytes;
            line_bytes_ = *line_bytes;
        }
        return scanner_.scan(gathered);
    }

    // The size of the first line with its line end, 0 while that has not come.
    [[nodiscard]] Result<std::size_t, HeadError> find_line(std::string_view gathered) noexcept
    {
        const std::size_t bytes_max = std::size_t{limits_.line_bytes} + 2;
        const std::string_view window = gathered.substr(0, bytes_max);
        const std::size_t lf = window.find('\n', line_scanned_);
        if (lf == std::string_view::npos) {
            if (const auto error = Line::refuse_early(window)) return fail(*error);
            if (window.size() == bytes_max) return fail(Line::kTooLong);
            line_scanned_ = window.size();
            return 0;
        }
        const auto parsed = Line::parse(window.substr(0, lf + 1));
        if (!parsed) return fail(parsed.error());
        line_ = *parsed;
        return lf + 1;
    }

    HeadLimits limits_;
    std::uint32_t blank_lines_max_;
    std::uint32_t blank_lines_ = 0;
    Phase phase_ = Phase::reading;
    bool started_ = false;
    bool cr_seen_ = false;
    Line line_;
    std::size_t line_bytes_ = 0;
    std::size_t line_scanned_ = 0;
    std::string_view head_;
    std::string kept_;
    FieldScanner scanner_;
};
} // namespace tidemark::http
