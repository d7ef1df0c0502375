import WebAssemblyFormat

/// Names by which a library is known that a program lacks.
enum LibraryNames {
  /// What to do about a name that is known to be from a library; `nil` for any other.
  ///
  /// - Parameter isDynamic: whether the result is a shared library or an executable that is brought together with libraries at
  ///   run time: archives are not made for that, as a rule.
  static func remedy(for name: ByteString, isDynamic: Bool) -> String? {
    guard let archive = archive(of: name.description) else { return other(name.description) ?? virtualThing(name) }
    return isDynamic
      ? "leave it to the program that the result is linked with (--unresolved-symbols=import-dynamic), or add \(archive), "
        + "if that was built with -fPIC" : "add \(archive)"
  }

  /// Whether the C library has something of that name.
  static func isStandard(_ name: ByteString) -> Bool { standard.contains(name.description) }

  private static func archive(of name: String) -> String? {
    if ofExceptions.contains(where: name.hasPrefix) { return "-lc++abi" }
    if ["_ZTVNSt", "_ZTINSt", "_ZTVSt", "_ZTISt"].contains(where: name.hasPrefix) { return "-lc++" }
    if name.hasPrefix("_ZS") || name.hasPrefix("_ZNS") || name.hasPrefix("_ZNKS") { return "-lc++" }
    if isRuntimeOfExceptions(name) { return "-lc++abi" }
    if name.hasPrefix("_Unwind_") || name == "__wasm_lpad_context" { return "-lunwind" }
    if name.hasPrefix("__wasi_") { return "-lc (wasi-libc)" }
    if isBuiltin(name) { return "libclang_rt.builtins.a, clang's runtime library" }
    if ["setjmp", "longjmp", "__wasm_setjmp", "__wasm_setjmp_test", "__wasm_longjmp"].contains(name) {
      return "-lsetjmp (and build with -mllvm -wasm-enable-sjlj)"
    }
    for (library, names) in emulations where names.contains(name) { return "-lwasi-emulated-\(library)" }
    return standard.contains(name) ? "-lc" : nil
  }

  private static func other(_ name: String) -> String? {
    if name.hasPrefix("__cxa_find_matching_catch_") || ["__resumeException", "llvm_eh_typeid_for"].contains(name) {
      return "exceptions of C++ in emscripten's older way, whose runtime is JavaScript: build with -fwasm-exceptions"
    }
    if ["dlopen", "dlsym", "dlclose", "dlerror"].contains(name) {
      return "pass --dl-openable=LIBRARY for each library that the program opens"
    }
    if name.hasPrefix("__rust_") || name == "rust_eh_personality" {
      return "part of Rust's runtime, which only a static library has in it (--crate-type=staticlib)"
    }
    if name == "main" || name == "__main_argc_argv" {
      return "no input has a function main (add its object, or build a reactor: -mexec-model=reactor)"
    }
    return nil
  }

  // MARK: C++

  /// What of the standard library the library for exceptions has.
  private static let ofExceptions = [
    "_ZSt9terminatev", "_ZNSt9exception", "_ZNKSt9exception", "_ZTVSt9exception", "_ZTISt9exception", "_ZNSt9type_info",
    "_ZTISt9type_info", "_ZNSt9bad_alloc", "_ZTVSt9bad_alloc", "_ZTISt9bad_alloc",
  ]

  private static func isRuntimeOfExceptions(_ name: String) -> Bool {
    if name.hasPrefix("__cxa_find_matching_catch_") { return false }
    // `operator new`, `operator delete`, and those of arrays, in all their forms.
    if ["__cxa_", "_ZTVN10__cxxabiv1", "_Znw", "_Zna", "_ZdlPv", "_ZdaPv"].contains(where: name.hasPrefix) {
      return name != "__cxa_atexit"
    }
    // Type information of fundamental types, and of pointers to them.
    guard name.hasPrefix("_ZTI") || name.hasPrefix("_ZTS") else { return false }
    let type = name.dropFirst(4)
    return type.last.map { "vwbcahstijlmxynofdeg".contains($0) } ?? false && ["", "P", "PK"].contains(type.dropLast())
  }

  /// A table of virtual functions, or type information: the compiler puts it where the key function is.
  private static func virtualThing(_ name: ByteString) -> String? {
    guard name.isOfClass, let shown = name.demangled else { return nil }
    let text = String(decoding: shown, as: UTF8.self)
    guard let place = text.firstRange(of: " for ") else { return nil }
    return
      "the first virtual function of \(text[place.upperBound...]) that is neither inline nor pure has no definition: this "
      + "comes with it"
  }

  // MARK: C

  /// Whether it is arithmetic that WebAssembly has no instructions for: integers of 128 bits, and numbers of that size.
  private static func isBuiltin(_ name: String) -> Bool {
    guard name.hasPrefix("__") else { return false }
    return ["ti2", "ti3", "ti4", "tf2", "tf3", "tfsi", "tfdi", "sitf", "ditf", "titf", "tfti", "dfti", "sfti"].contains(
      where: name.hasSuffix)
      || ["__mulosi4", "__mulodi4", "__trunctfdf2", "__trunctfsf2", "__powidf2", "__powisf2"].contains(name)
  }

  /// What wasi-libc only imitates, in archives of their own.
  private static let emulations: [(library: String, names: Set<String>)] = [
    ("mman", ["mmap", "munmap", "mprotect", "madvise", "msync"]),
    ("signal", ["signal", "raise", "psignal", "strsignal"]),
    ("getpid", ["getpid"]), ("process-clocks", ["clock", "times", "getrusage"]),
  ]

  /// What wasi-libc defines.
  private static let standard: Set<String> = Set(
    """
    a64l abort abs accept accept4 access acos acosf acosh acoshf acoshl acosl aligned_alloc alphasort alphasort64
    arc4random arc4random_buf arc4random_uniform asctime asctime_r asin asinf asinh asinhf asinhl asinl asprintf
    at_quick_exit atan atan2 atan2f atan2l atanf atanh atanhf atanhl atanl atexit atof atoi atol atoll basename
    bcmp bcopy bsearch btowc bzero c16rtomb c32rtomb cabs cabsf cabsl cacos cacosf cacosh cacoshf cacoshl cacosl
    calloc carg cargf cargl casin casinf casinh casinhf casinhl casinl catan catanf catanh catanhf catanhl catanl
    catclose catgets catopen cbrt cbrtf cbrtl ccos ccosf ccosh ccoshf ccoshl ccosl ceil ceilf ceill cexp cexpf
    cexpl chdir cimag cimagf cimagl clearenv clearerr clearerr_unlocked clock_getres clock_gettime clock_nanosleep
    clog clogf clogl close closedir confstr conj conjf conjl copysign copysignf copysignl cos cosf cosh coshf
    coshl cosl cpow cpowf cpowl cproj cprojf cprojl creal crealf creall creat creat64 crypt crypt_r csin csinf
    csinh csinhf csinhl csinl csqrt csqrtf csqrtl ctan ctanf ctanh ctanhf ctanhl ctanl ctime ctime_r difftime
    dirfd dirname div dprintf drand48 drem dremf duplocale ecvt encrypt environ erand48 erf erfc erfcf erfcl erff
    erfl errno exit exp exp10 exp10f exp10l exp2 exp2f exp2l expf expl explicit_bzero expm1 expm1f expm1l fabs
    fabsf fabsl faccessat fclose fcntl fcvt fdatasync fdclosedir fdim fdimf fdiml fdopen fdopendir feclearexcept
    fegetenv fegetexceptflag fegetround feholdexcept feof feof_unlocked feraiseexcept ferror ferror_unlocked
    fesetenv fesetexceptflag fesetround fetestexcept feupdateenv fflush fflush_unlocked ffs ffsl ffsll fgetc
    fgetc_unlocked fgetln fgetpos fgetpos64 fgets fgets_unlocked fgetwc fgetwc_unlocked fgetws fgetws_unlocked
    fileno fileno_unlocked finite finitef floor floorf floorl fma fmaf fmal fmax fmaxf fmaxl fmemopen fmin fminf
    fminl fmod fmodf fmodl fmtmsg fnmatch fopen fopen64 fopencookie fpathconf fprintf fpurge fputc fputc_unlocked
    fputs fputs_unlocked fputwc fputwc_unlocked fputws fputws_unlocked fread fread_unlocked free freelocale
    freopen freopen64 frexp frexpf frexpl fscanf fseek fseeko fseeko64 fsetpos fsetpos64 fstat fstatat fsync ftell
    ftello ftello64 ftime ftruncate futimens futimesat fwide fwprintf fwrite fwrite_unlocked fwscanf gcvt
    get_avphys_pages get_nprocs get_nprocs_conf get_phys_pages getc getc_unlocked getchar getchar_unlocked getcwd
    getdate getdate_err getdelim getdomainname getentropy getenv gethostid getline getopt getopt_long
    getopt_long_only getsockopt getsubopt gettimeofday getw getwc getwc_unlocked getwchar getwchar_unlocked glob
    glob64 globfree globfree64 gmtime gmtime_r hcreate hcreate_r hdestroy hdestroy_r hsearch hsearch_r htonl htons
    hypot hypotf hypotl iconv iconv_close iconv_open ilogb ilogbf ilogbl imaxabs imaxdiv in6addr_any
    in6addr_loopback index inet_aton inet_ntop inet_pton initstate insque ioctl iprintf isalnum isalnum_l isalpha
    isalpha_l isascii isatty isblank isblank_l iscntrl iscntrl_l isdigit isdigit_l isgraph isgraph_l islower
    islower_l isprint isprint_l ispunct ispunct_l isspace isspace_l isupper isupper_l iswalnum iswalnum_l iswalpha
    iswalpha_l iswblank iswblank_l iswcntrl iswcntrl_l iswctype iswctype_l iswdigit iswdigit_l iswgraph iswgraph_l
    iswlower iswlower_l iswprint iswprint_l iswpunct iswpunct_l iswspace iswspace_l iswupper iswupper_l iswxdigit
    iswxdigit_l isxdigit isxdigit_l j0 j0f j1 j1f jn jnf jrand48 l64a labs lcong48 ldexp ldexpf ldexpl ldiv lfind
    lgamma lgamma_r lgammaf lgammaf_r lgammal lgammal_r link linkat llabs lldiv llrint llrintf llrintl llround
    llroundf llroundl localeconv localtime localtime_r log log10 log10f log10l log1p log1pf log1pl log2 log2f
    log2l logb logbf logbl logf logl lrand48 lrint lrintf lrintl lround lroundf lroundl lsearch lseek lstat malloc
    malloc_usable_size mblen mbrlen mbrtoc16 mbrtoc32 mbrtowc mbsinit mbsnrtowcs mbsrtowcs mbstowcs mbtowc memccpy
    memchr memcmp memcpy memmem memmove mempcpy memrchr memset mkdir mkdirat mktime modf modff modfl mrand48 nan
    nanf nanl nanosleep nearbyint nearbyintf nearbyintl newlocale nextafter nextafterf nextafterl nexttoward
    nexttowardf nexttowardl nftw nftw64 nl_langinfo nl_langinfo_l nrand48 ntohl ntohs open open_memstream
    open_wmemstream openat opendir opendirat optarg opterr optind optopt optreset pathconf perror poll posix_close
    posix_fadvise posix_fallocate posix_memalign pow pow10 pow10f pow10l powf powl pread preadv printf
    program_invocation_name program_invocation_short_name pselect putc putc_unlocked putchar putchar_unlocked
    putenv puts putw putwc putwc_unlocked putwchar putwchar_unlocked pwrite pwritev qsort quick_exit rand rand_r
    random read readdir readlink readlinkat readv realloc reallocarray recv regcomp regerror regexec regfree
    remainder remainderf remainderl remove remque remquo remquof remquol rename renameat rewind rewinddir rindex
    rint rintf rintl rmdir round roundf roundl sbrk scalb scalbf scalbln scalblnf scalblnl scalbn scalbnf scalbnl
    scandir scandirat scanf sched_yield seed48 seekdir select send setbuf setbuffer setenv setkey setlinebuf
    setlocale setstate setvbuf shutdown signgam significand significandf sin sincos sincosf sincosl sinf sinh
    sinhf sinhl sinl sleep snprintf sprintf sqrt sqrtf sqrtl srand srand48 srandom sscanf stat stderr stdin stdout
    stpcpy stpncpy strcasecmp strcasecmp_l strcasestr strcat strchr strchrnul strcmp strcoll strcoll_l strcpy
    strcspn strdup strerror strerror_l strerror_r strfmon strfmon_l strftime strftime_l strlcat strlcpy strlen
    strncasecmp strncasecmp_l strncat strncmp strncpy strndup strnlen strpbrk strptime strrchr strsep strspn
    strstr strtod strtod_l strtof strtof_l strtoimax strtok strtok_r strtol strtold strtold_l strtoll strtoul
    strtoull strtoumax strverscmp strxfrm strxfrm_l swab swprintf swscanf symlink symlinkat sysconf tan tanf tanh
    tanhf tanhl tanl tdelete tdestroy telldir tfind tgamma tgammaf tgammal time timegm timespec_get toascii
    tolower tolower_l toupper toupper_l towctrans towctrans_l towlower towlower_l towupper towupper_l trunc
    truncate truncf truncl tsearch twalk uname ungetc ungetwc unlink unlinkat unsetenv uselocale usleep utime
    utimensat utimes vasprintf vdprintf versionsort versionsort64 vfprintf vfscanf vfwprintf vfwscanf vprintf
    vscanf vsnprintf vsprintf vsscanf vswprintf vswscanf vwprintf vwscanf wcpcpy wcpncpy wcrtomb wcscasecmp
    wcscasecmp_l wcscat wcschr wcscmp wcscoll wcscoll_l wcscpy wcscspn wcsdup wcsftime wcsftime_l wcslen
    wcsncasecmp wcsncasecmp_l wcsncat wcsncmp wcsncpy wcsnlen wcsnrtombs wcspbrk wcsrchr wcsrtombs wcsspn wcsstr
    wcstod wcstof wcstoimax wcstok wcstol wcstold wcstoll wcstombs wcstoul wcstoull wcstoumax wcswcs wcswidth
    wcsxfrm wcsxfrm_l wctob wctomb wctrans wctrans_l wctype wctype_l wcwidth wmemchr wmemcmp wmemcpy wmemmove
    wmemset wprintf write writev wscanf y0 y0f y1 y1f yn ynf _Exit _exit __assert_fail __errno_location
    __main_void __stack_chk_fail __cxa_atexit
    """.split { $0 == " " || $0 == "\n" }.map(String.init))
}

extension ByteString {
  /// Whether it is what C++ has for a class as a whole: its table of virtual functions, its type information.
  var isOfClass: Bool { hasPrefix("_ZTV") || hasPrefix("_ZTI") || hasPrefix("_ZTS") || hasPrefix("_ZTT") }
}
