// Mangled names and what `llvm::demangle` of LLVM 19 makes of them, a line each, alternating.
//
// The first part has a short name for each rule of the grammars, the second is a sample from C++ and Rust libraries,
// the third has rules again.
// `llvm-cxxfilt` shows the same, but for names with a needless underscore in front.
let demangledNames = #"""
  _Z1fv
  f()
  _Z3barILi3EEvv
  void bar<3>()
  _ZN2ns3fooEi
  ns::foo(int)
  _ZNK2ns3Foo3barEv
  ns::Foo::bar() const
  _ZNVK1A1fEv
  A::f() const volatile
  _ZNKR1A1fEv
  A::f() const &
  _ZNO1A1fEv
  A::f() &&
  _ZNH1A1fES_i
  A::f(this A, int)
  _ZN1AC1Ev
  A::A()
  _ZN1AC2ERKS_
  A::A(A const&)
  _ZN1AD0Ev
  A::~A()
  _ZN1AD1Ev
  A::~A()
  _ZN1BCI21AEi
  B::B(int)
  _ZNSsC1Ev
  std::basic_string<char, std::char_traits<char>, std::allocator<char>>::basic_string()
  _ZNSiD1Ev
  std::basic_istream<char, std::char_traits<char>>::~basic_istream()
  _ZNSaIcEC2Ev
  std::allocator<char>::allocator()
  _ZNSs6appendEPKc
  std::string::append(char const*)
  _ZNSt6vectorIiSaIiEE9push_backEOi
  std::vector<int, std::allocator<int>>::push_back(int&&)
  _ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc
  std::basic_ostream<char, std::char_traits<char>>& std::operator<<<std::char_traits<char>>(std::basic_ostream<char, std::char_traits<char>>&, char const*)
  _ZN12_GLOBAL__N_11xE
  (anonymous namespace)::x
  _ZN12_GLOBAL__N_11A1fEv
  (anonymous namespace)::A::f()
  _ZL3foov
  foo()
  _ZNSt3__112basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE6__initEPKcj
  std::__1::basic_string<char, std::__1::char_traits<char>, std::__1::allocator<char>>::__init(char const*, unsigned int)
  _ZNSt3__14endlB8ne190107IcNS_11char_traitsIcEEEERNS_13basic_ostreamIT_T0_EES7_
  std::__1::basic_ostream<char, std::__1::char_traits<char>>& std::__1::endl[abi:ne190107]<char, std::__1::char_traits<char>>(std::__1::basic_ostream<char, std::__1::char_traits<char>>&)
  _Z1fB5cxx11B1xv
  f[abi:cxx11][abi:x]()
  _ZTV1A
  vtable for A
  _ZTI1A
  typeinfo for A
  _ZTS1A
  typeinfo name for A
  _ZTT1A
  VTT for A
  _ZTC1D8_1B
  construction vtable for B-in-D
  _ZTINSt3__118basic_stringstreamIcNS_11char_traitsIcEENS_9allocatorIcEEEE
  typeinfo for std::__1::basic_stringstream<char, std::__1::char_traits<char>, std::__1::allocator<char>>
  _ZThn8_N1D1fEv
  non-virtual thunk to D::f()
  _ZTv0_n24_N1D1fEv
  virtual thunk to D::f()
  _ZTch0_h8_N1D1fEv
  covariant return thunk to D::f()
  _ZTcv0_n24_v0_n32_N1D1fEv
  covariant return thunk to D::f()
  _ZGVZ1fvE1x
  guard variable for f()::x
  _ZGR1x_
  reference temporary for x
  _ZGR1x0_
  reference temporary for x
  _ZTW1x
  thread-local wrapper routine for x
  _ZTH1x
  thread-local initialization routine for x
  _ZTAXtl1SLi1EEE
  template parameter object for S{1}
  _ZGIW3std
  initializer for module std
  _ZN1AW3mod1fEv
  A::f@mod()
  _ZW3modWP4part1fv
  f@mod:part()
  _Z1fW3mod1A
  f(A@mod)
  _ZZ1fvE1x
  f()::x
  _ZZ1fvE1x_0
  f()::x
  _ZZ1fvE1x__12_
  f()::x
  _ZZ1fvEs
  f()::string literal
  _ZZ1fvEs_0
  f()::string literal
  _ZZ1fiEd_1x
  f(int)::x
  _ZZ1fiEd0_NKUlvE_clEv
  f(int)::'lambda'()::operator()() const
  _ZZN1A1fEiENKUlT_E_clIdEEDaS0_
  auto A::f(int)::'lambda'(auto)::operator()<double>(auto) const
  _ZZ1fvENKUlvE_clEv
  f()::'lambda'()::operator()() const
  _ZZ1fvENKUlvE0_clEv
  f()::'lambda0'()::operator()() const
  _ZZ1fvENUt_C1Ev
  f()::'unnamed'::()
  _ZZ1fvENUt0_1gEv
  f()::'unnamed0'::g()
  _ZNUlTyT_E_clIiEEvS_
  void 'lambda'<typename $T>($T)::operator()<int>($T)
  _Z1fIZ1gvEUlTyT_E_EvS0_
  void f<g()::'lambda'<typename $T>($T)>($T)
  _Z1fIZ1gvEUlTk1CT_E_EvS0_
  void f<g()::'lambda'<C $T>($T)>($T)
  _Z1fIZ1gvEUlTyQ1CIT_ET_E_EvS0_
  void f<g()::'lambda'<typename $T> requires C<T> ($T)>(T)
  _ZN1AcviEv
  A::operator int()
  _ZN1AcvT_IiEEv
  A::operator int<int>()
  _ZN1AcvPT_IiEEv
  A::operator int*<int>()
  _ZN1AcvKT_IRiEEv
  A::operator int& const<int&>()
  _ZN1AcvPFT_vEIiEEv
  A::operator int (*)()<int>()
  _ZN1AplERKS_
  A::operator+(A const&)
  _ZN1AclEv
  A::operator()()
  _ZN1AixEi
  A::operator[](int)
  _ZN1AptEv
  A::operator->()
  _ZN1AnwEj
  A::operator new(unsigned int)
  _ZN1AnaEj
  A::operator new[](unsigned int)
  _ZdlPv
  operator delete(void*)
  _ZdaPv
  operator delete[](void*)
  _ZN1AssERKS_
  A::operator<=>(A const&)
  _ZN1AawEv
  A::operator co_await()
  _ZN1AcmERKS_
  A::operator,(A const&)
  _ZN1Av23fooERKS_
  A::operator foo(A const&)
  _Zli2_xPKcj
  operator"" _x(char const*, unsigned int)
  _ZN1AltERKS_
  A::operator<(A const&)
  _ZN1AltIiEEbT_
  bool A::operator<<int>(int)
  _ZN1AlsIiEEvT_
  void A::operator<<<int>(int)
  _Z1fPi
  f(int*)
  _Z1fPKi
  f(int const*)
  _Z1fPVKi
  f(int const volatile*)
  _Z1fPrVKi
  f(int const volatile restrict*)
  _Z1fRKi
  f(int const&)
  _Z1fOi
  f(int&&)
  _Z1fPFivE
  f(int (*)())
  _Z1fRFivE
  f(int (&)())
  _Z1fPFPFivEiE
  f(int (* (*)(int))())
  _Z1fPA3_i
  f(int (*) [3])
  _Z1fRA3_A4_Ki
  f(int const (&) [3][4])
  _Z1fPA_i
  f(int (*) [])
  _Z1fM1Ai
  f(int A::*)
  _Z1fM1AFivE
  f(int (A::*)())
  _Z1fM1AKFivE
  f(int (A::*)() const)
  _Z1fM1AKFivRE
  f(int (A::*)() const &)
  _Z1fM1AFivOE
  f(int (A::*)() &&)
  _Z1fM1AA3_i
  f(int(A::*) [3])
  _Z1fPDoFvvE
  f(void (*)() noexcept)
  _Z1fPDO1xEFvvE
  f(void (*)() noexcept(x))
  _Z1fIiEvPDOltszT_Li4EEFvvE
  void f<int>(void (*)() noexcept(sizeof (int) < 4))
  _Z1fPDwiEFvvE
  f(void (*)() throw(int))
  _Z1fPDxFvvE
  f(void (*)())
  _Z1fPFYvvE
  f(void (*)())
  _Z1fz
  f(...)
  _Z1fiz
  f(int, ...)
  _Z1fDn
  f(std::nullptr_t)
  _Z1fDi
  f(char32_t)
  _Z1fDs
  f(char16_t)
  _Z1fDu
  f(char8_t)
  _Z1fDh
  f(half)
  _Z1fDd
  f(decimal64)
  _Z1fDe
  f(decimal128)
  _Z1fDf
  f(decimal32)
  _Z1fDF16_
  f(_Float16)
  _Z1fDB7_
  f(_BitInt(7))
  _Z1fDU7_
  f(unsigned _BitInt(7))
  _Z1fILi3EEvDUT__
  void f<3>(unsigned _BitInt(3))
  _Z1fwbcahstijlmxynofdeg
  f(wchar_t, bool, char, signed char, unsigned char, short, unsigned short, int, unsigned int, long, unsigned long, long long, unsigned long long, __int128, unsigned __int128, float, double, long double, __float128)
  _Z1fCf
  f(float complex)
  _Z1fGd
  f(double imaginary)
  _Z1fDv4_f
  f(float vector[4])
  _Z1fDv4_p
  f(pixel vector[4])
  _Z1fDv_f
  f(float vector[])
  _Z1fILi4EEvDvT__f
  void f<4>(float vector[4])
  _Z1fU3AS1i
  f(int AS1)
  _Z1fU3abcIiEi
  f(int abc<int>)
  _Z1fPU3AS1Ki
  f(int const AS1*)
  _Z1fP11objc_object
  f(objc_object*)
  _Z1fPU11objcproto1P11objc_object
  f(id<P>)
  _Z1fPU11objcproto1P1A
  f(A<P>*)
  _Z1fu7__metal
  f(__metal)
  _Z1fu14__remove_constIiE
  f(__remove_const(int))
  _Z1fTs1A
  f(struct A)
  _Z1fTe1A
  f(enum A)
  _Z1fTu1A
  f(union A)
  _Z1fIJEEvDpT_
  void f<>()
  _Z1fIJiEEvDpT_
  void f<int>(int)
  _Z1fIJidEEvDpT_
  void f<int, double>(int, double)
  _Z1fIJidEEvDpRKT_
  void f<int, double>(int const&, double const&)
  _Z1fIJiPA3_iPFvvEEEvDpT_
  void f<int, int (*) [3], void (*)()>(int, int (*) [3], void (*)())
  _Z1fIJidEEv1AIJDpT_EE
  void f<int, double>(A<int, double>)
  _Z1fIJiiEEvDpPFT_S0_E
  void f<int, int>(int (*)(int), int (*)(int))
  _Z1fIiJdcEEvT_DpT0_
  void f<int, double, char>(int, double, char)
  _Z1fIJidEEvDpOT_
  void f<int, double>(int&&, double&&)
  _Z1fIJRiOdEEvDpOT_
  void f<int&, double&&>(int&, double&&)
  _Z1fIRiEvOT_
  void f<int&>(int&)
  _Z1fIOiEvRT_
  void f<int&&>(int&)
  _Z1fI1AEvT_IiE
  void f<A>(A<int>)
  _Z1fI1AEvNT_1BE
  void f<A>(A::B)
  _Z1fIiEDaT_
  auto f<int>(int)
  _Z1fIiEDcT_
  decltype(auto) f<int>(int)
  _Z1fIiEDk1CT_
  C auto f<int>(int)
  _Z1fIiEDK1CT_
  C decltype(auto) f<int>(int)
  _Z1fIiEDTplfp_fp_ET_
  decltype(fp + fp) f<int>(int)
  _Z1fIiEDtfp_ET_
  decltype(fp) f<int>(int)
  _Z1fIiEDTcl1gfp_EET_
  decltype(g(fp)) f<int>(int)
  _Z1fIiEDTcl1gspfp_EET_
  decltype(g(fp...)) f<int>(int)
  _Z1fIJiEEDTcl1gspfp_EEDpT_
  decltype(g(fp...)) f<int>(int)
  _Z1fIJicEEDTcl1gspclsr3stdE7forwardIT_Efp_EEEDpT_
  decltype(g(std::forward<int>(fp), std::forward<char>(fp))) f<int, char>(int, char)
  _Z1fIiEDTcmfp_fp_ET_
  decltype(fp, fp) f<int>(int)
  _Z1fIiEDTquLb1Efp_Li0EET_
  decltype(true ? fp : 0) f<int>(int)
  _Z1fIiEDTixfp_Li0EET_
  decltype(fp[0]) f<int>(int)
  _Z1fIiEDTdtfp_1xET_
  decltype(fp.x) f<int>(int)
  _Z1fIiEDTptfp_1xET_
  decltype(fp->x) f<int>(int)
  _Z1fIiEDTdsfp_fp_ET_
  decltype(fp.*fp) f<int>(int)
  _Z1fIiEDTpmfp_fp_ET_
  decltype(fp->*fp) f<int>(int)
  _Z1fIiEDTppfp_ET_
  decltype(fp++) f<int>(int)
  _Z1fIiEDTpp_fp_ET_
  decltype(++fp) f<int>(int)
  _Z1fIiEDTmmfp_ET_
  decltype(fp--) f<int>(int)
  _Z1fIiEDTcvT_fp_ET_
  decltype((int)(fp)) f<int>(int)
  _Z1fIiEDTcvT__fp_fp_EET_
  decltype((int)(fp, fp)) f<int>(int)
  _Z1fIiEDTcvPT_Li0EET_
  decltype((int*)(0)) f<int>(int)
  _Z1fIiEDTscT_fp_ET_
  decltype(static_cast<int>(fp)) f<int>(int)
  _Z1fIiEDTdcPT_fp_ET_
  decltype(dynamic_cast<int*>(fp)) f<int>(int)
  _Z1fIiEDTccT_fp_ET_
  decltype(const_cast<int>(fp)) f<int>(int)
  _Z1fIiEDTrcPA3_T_fp_ET_
  decltype(reinterpret_cast<int (*>(fp)) f<int>(int)
  _Z1fIiEDTnw_T_EET_
  decltype(new int) f<int>(int)
  _Z1fIiEDTnw_T_piLi1EEET_
  decltype(new int(1)) f<int>(int)
  _Z1fIiEDTgsnwfp__T_EET_
  decltype(::new(fp) int) f<int>(int)
  _Z1fIiEDTna_T_EET_
  decltype(new[] int) f<int>(int)
  _Z1fIiEDTdlfp_ET_
  decltype(delete fp) f<int>(int)
  _Z1fIiEDTgsdafp_ET_
  decltype(::delete[] fp) f<int>(int)
  _Z1fIiEDTstT_ET_
  decltype(sizeof (int)) f<int>(int)
  _Z1fIiEDTszfp_ET_
  decltype(sizeof (fp)) f<int>(int)
  _Z1fIiEDTatT_ET_
  decltype(alignof (int)) f<int>(int)
  _Z1fIiEDTazfp_ET_
  decltype(alignof (fp)) f<int>(int)
  _Z1fIiEDTtiT_ET_
  decltype(typeid (int)) f<int>(int)
  _Z1fIiEDTtefp_ET_
  decltype(typeid (fp)) f<int>(int)
  _Z1fIiEDTnxfp_ET_
  decltype(noexcept (fp)) f<int>(int)
  _Z1fIiEDTtwfp_ET_
  decltype(throw fp) f<int>(int)
  _Z1fIiEDTtrET_
  decltype(throw) f<int>(int)
  _Z1fIiEDTilfp_Li1EEET_
  decltype({fp, 1}) f<int>(int)
  _Z1fIiEDTtlT_di1xLi1EEET_
  decltype(int{.x = 1}) f<int>(int)
  _Z1fIiEDTtlT_dxLi1ELi2EEET_
  decltype(int{[1] = 2}) f<int>(int)
  _Z1fIiEDTtlT_dXLi1ELi2ELi3EEET_
  decltype(int{[1 ... 2] = 3}) f<int>(int)
  _Z1fIiEDTtlT_di1xdi1yLi3EEET_
  decltype(int{.x.y = 3}) f<int>(int)
  _Z1fIiEDTsrT_1xET_
  decltype(int::x) f<int>(int)
  _Z1fIiEDTsr1A1BE1xET_
  decltype(A::B::x) f<int>(int)
  _Z1fIiEDTgssr1AE1xET_
  decltype(::A::x) f<int>(int)
  _Z1fIiEDTgs1xET_
  decltype(::x) f<int>(int)
  _Z1fIiEDTsrNT_1A1BE1xET_
  decltype(int::A::B::x) f<int>(int)
  _Z1fIiEDTsrNT_IiE1BE1xET_
  decltype(int<int>::B::x) f<int>(int)
  _Z1fIiEDTcldtfp_dnT_EET_
  decltype(fp.~int()) f<int>(int)
  _Z1fIiEDTcldtfp_dn1AEET_
  decltype(fp.~A()) f<int>(int)
  _Z1fIiEDTcldtfp_onplfp_EET_
  decltype(fp.operator+(fp)) f<int>(int)
  _Z1fIiEDTclonplIiEfp_EET_
  decltype(operator+<int>(fp)) f<int>(int)
  _Z1fIiEDTfpTET_
  decltype(this) f<int>(int)
  _Z1fIiEDTfL0p_ET_
  decltype(fp) f<int>(int)
  _Z1fIiEDTfp0_ET_i
  decltype(fp0) f<int>(int, int)
  _Z1fIJiEEDTsZT_EDpT_
  decltype(sizeof...(int)) f<int>(int)
  _Z1fIJiEEDTsZfp_EDpT_
  decltype(sizeof... (fp)) f<int>(int)
  _Z1fIJiEEDTsPT_iEEDpT_
  decltype(sizeof... (int, int)) f<int>(int)
  _Z1fIJiiEEDTflplfp_EDpT_
  decltype((... + (fp...))) f<int, int>(int, int)
  _Z1fIJiiEEDTfrplfp_EDpT_
  decltype(((fp...) + ...)) f<int, int>(int, int)
  _Z1fIJiiEEDTfLplLi0Efp_EDpT_
  decltype((0 + ... + (fp...))) f<int, int>(int, int)
  _Z1fIJiiEEDTfRplfp_Li0EEDpT_
  decltype(((fp...) + ... + 0)) f<int, int>(int, int)
  _Z1fIJiiEEDTflcmfp_EDpT_
  decltype((... , (fp...))) f<int, int>(int, int)
  _Z1fIiEDTu8__uuidoftT_ET_
  decltype(__uuidof(int)) f<int>(int)
  _Z1fIiEDTu8__uuidofzfp_ET_
  decltype(__uuidof(fp)) f<int>(int)
  _Z1fIiEDTu5traitT_iEET_
  decltype(trait(int, int)) f<int>(int)
  _Z1fIiEDTL_Z1gvEET_
  decltype(g()) f<int>(int)
  _Z1fIiQ1CIT_EEvS0_
  void f<int>(T)
  _Z1fIiEvT_Q1CIS0_E
  void f<int>(int) requires C<int>
  _Z1fITk1CiEvT_
  void f<int>(int)
  _Z1fITpTyJiiEEvDpT_
  void f<int, int>(int, int...)
  _Z1fITtTyE1AEvv
  void f<A>()
  _Z1fIiEvT_QrqXfp_NR1CTNS0_1xEQ1DIS0_EE
  void f<int>(int) requires requires { {fp} noexcept -> C; typename int::x; requires D<int>; }
  _Z1fILi3EEvv
  void f<3>()
  _Z1fILin3EEvv
  void f<-3>()
  _Z1fILj3EEvv
  void f<3u>()
  _Z1fILl3EEvv
  void f<3l>()
  _Z1fILm3EEvv
  void f<3ul>()
  _Z1fILx3EEvv
  void f<3ll>()
  _Z1fILy3EEvv
  void f<3ull>()
  _Z1fILc97EEvv
  void f<(char)97>()
  _Z1fILa97EEvv
  void f<(signed char)97>()
  _Z1fILh97EEvv
  void f<(unsigned char)97>()
  _Z1fILs7EEvv
  void f<(short)7>()
  _Z1fILt7EEvv
  void f<(unsigned short)7>()
  _Z1fILw7EEvv
  void f<(wchar_t)7>()
  _Z1fILn7EEvv
  void f<(__int128)7>()
  _Z1fILo7EEvv
  void f<(unsigned __int128)7>()
  _Z1fILb0EEvv
  void f<false>()
  _Z1fILb1EEvv
  void f<true>()
  _Z1fILDnEEvv
  void f<nullptr>()
  _Z1fILDn0EEvv
  void f<nullptr>()
  _Z1fIL1E3EEvv
  void f<(E)3>()
  _Z1fIL1En3EEvv
  void f<(E)-3>()
  _Z1fILf3f800000EEvv
  void f<0x1p+0f>()
  _Z1fILfc0490fdbEEvv
  void f<-0x1.921fb6p+1f>()
  _Z1fILf7f800000EEvv
  void f<inff>()
  _Z1fILfffc00000EEvv
  void f<-nanf>()
  _Z1fILf00000001EEvv
  void f<0x1p-149f>()
  _Z1fILd3ff0000000000000EEvv
  void f<0x1p+0>()
  _Z1fILd400921fb54442d18EEvv
  void f<0x1.921fb54442d18p+1>()
  _Z1fILd0000000000000000EEvv
  void f<0x0p+0>()
  _Z1fILd0000000000000001EEvv
  void f<0x0.0000000000001p-1022>()
  _Z1fILd800fffffffffffffEEvv
  void f<-0x0.fffffffffffffp-1022>()
  _Z1fILe3fff8000000000000000EEvv
  void f<0x8p-3L>()
  _Z1fILe4000c90fdaa22168c235EEvv
  void f<0xc.90fdaa22168c235p-2L>()
  _Z1fILe00000000000000000001EEvv
  void f<0x0.000000000000001p-16385L>()
  _Z1fILe7fff8000000000000000EEvv
  void f<infL>()
  _Z1fILe7fffc000000000000000EEvv
  void f<nanL>()
  _Z1fILA3_KcEEvv
  void f<"<char const [3]>">()
  _Z1fIXadL_Z1gvEEEvv
  void f<&g()>()
  _Z1fIXadL_ZN1A1xEEEEvv
  void f<&A::x>()
  _Z1fILZ1gvEEvv
  void f<g()>()
  _Z1fIXgtLi1ELi2EEEvv
  void f<(1 > 2)>()
  _Z1fIXrsLi1ELi2EEEvv
  void f<(1 >> 2)>()
  _Z1fIXplLi1ErsLi1ELi2EEEvv
  void f<1 + (1 >> 2)>()
  _Z1fIXaSLi1EaSLi2ELi3EEEvv
  void f<1 = 2 = 3>()
  _Z1fIXdvmlLi1ELi2EplLi3ELi4EEEvv
  void f<1 * 2 / 3 + 4>()
  _Z1fIXsoKcL_Z1aEEEEvv
  void f<a.<char const at offset 0>>()
  _Z1fIXsoKcL_Z1aE1_pEEEvv
  void f<a.<char const at offset 1>>()
  _Z1fIXsoKcL_Z1aEn4EEEvv
  void f<a.<char const at offset -4>>()
  _Z1fIXmcM1AiadL_ZN1A1xEE4EEEvv
  void f<(int A::*)(&A::x)>()
  _Z1fILUlvE_EEvv
  void f<[](){...}>()
  _Z1fUa9enable_ifILb1EEi
  f(int) [enable_if:true]
  _Z1fIiEUa9enable_ifIXgtT_Li0EEEvi
  void f<int>(int) [enable_if:int > 0]
  _ZN1AF1fERKS_
  A::friend f(A const&)
  _ZDC1a1bE
  [a, b]
  _ZN1ADC1a1bEE
  A::[a, b]
  _Z1fN1AB3tagE
  f(A[abi:tag])
  _ZSbB5cxx11IcE
  std::basic_string[abi:cxx11]<char>
  _Z1fSbB5cxx11IcE
  f(std::basic_string[abi:cxx11]<char>)
  _Z1fSsSiSoSdSaIcESbIcE
  f(std::string, std::istream, std::ostream, std::iostream, std::allocator<char>, std::basic_string<char>)
  _Z1fSt4pairIiiE
  f(std::pair<int, int>)
  _Z1f1AIiES0_S_IdE
  f(A<int>, A<int>, A<double>)
  _Z1fPKcS0_S0_
  f(char const*, char const*, char const*)
  _ZN1A1B1CE1DIS0_S1_E
  A::B::C(D<A::B, D>)
  ___Z1fv_block_invoke
  invocation function for block in f()
  ____Z1fv_block_invoke_2
  invocation function for block in f()
  ___Z1fv_block_invoke3
  invocation function for block in f()
  __ZN1A1fEv
  A::f()
  ._ZN1A1fEv
  .A::f()
  _Z1fv.isra.0
  f() (.isra.0)
  _Z1fv.llvm.1234
  f() (.llvm.1234)
  _ZN4core3fmt9Formatter9write_str17h0123456789abcdefE
  core::fmt::Formatter::write_str::h0123456789abcdef
  _ZN60_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE
  _$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$::fmt::h0123456789abcdef
  _RNvC5hello4main
  hello::main
  _RNvCs1234_5hello4main
  hello::main
  _RNvMC5crateNtB2_3Foo3bar
  <crate::Foo>::bar
  _RNvXC5crateNtB2_3FooNtB2_5Trait3bar
  <crate::Foo as crate::Trait>::bar
  _RNvYNtC5crate3FooNtB4_5Trait3bar
  <crate::Foo as crate::Trait>::bar
  _RNCNvC5crate1f0
  crate::f::{closure#0}
  _RNCNvC5crate1fs_0
  crate::f::{closure#1}
  _RNSNvC5crate1f6vtable
  crate::f::{shim:vtable#0}
  _RNKNvC5crate1f1x
  crate::f::{K:x#0}
  _RINvC5crate1fiE
  crate::f::<isize>
  _RINvC5crate1flhE
  crate::f::<i32, u8>
  _RINvC5crate1fINtC4core6OptioneEE
  crate::f::<core::Option<str>>
  _RINvC5crate1fRlQlPlOlE
  crate::f::<&i32, &mut i32, *const i32, *mut i32>
  _RINvC5crate1fRL_lE
  crate::f::<&i32>
  _RINvC5crate1fL_E
  crate::f::<'_>
  _RINvC5crate1fAlj4_SlE
  crate::f::<[i32; 4], [i32]>
  _RINvC5crate1fTETlETlaEE
  crate::f::<(), (i32,), (i32, i8)>
  _RINvC5crate1fKb0_Kb1_Kj2a_Kln2a_E
  crate::f::<false, true, 42, -42>
  _RINvC5crate1fKc61_Kc27_Kc1f600_Kc5c_Kca_Kc9_Kcd_Kc22_E
  crate::f::<'a', '\'', '\u{1f600}', '\\', '\n', '\t', '\r', '"'>
  _RINvC5crate1fKy123456789abcdef01_KpE
  crate::f::<0x123456789abcdef01, _>
  _RINvC5crate1fFEuE
  crate::f::<fn()>
  _RINvC5crate1fFlEaE
  crate::f::<fn(i32) -> i8>
  _RINvC5crate1fFUKCEuE
  crate::f::<unsafe extern "C" fn()>
  _RINvC5crate1fFK10rust_intrinsicEuE
  crate::f::<extern "rust-intri" fn(i128, i16, isize, char)>
  _RINvC5crate1fFG_RL0_lEuE
  crate::f::<for<'a> fn(&'a i32)>
  _RINvC5crate1fFG0_RL0_RL1_lEuE
  crate::f::<for<'a, 'b> fn(&'b &'a i32)>
  _RINvC5crate1fDNtC4core4SendEL_E
  crate::f::<dyn core::Send>
  _RINvC5crate1fDINtC4core2FnTlEEp6OutputuEL_E
  crate::f::<dyn core::Fn<(i32,), Output = ()>>
  _RINvC5crate1fDNtC4core8Iteratorp4ItemhEL_E
  crate::f::<dyn core::Iterator<Item = u8>>
  _RINvC5crate1fabcdefhijlmnopstuvxyzE
  crate::f::<i8, bool, char, f64, str, f32, u8, isize, usize, i32, u32, i128, u128, _, i16, u16, (), ..., i64, u64, !>
  _RNvC5crateu8gdel_5qa
  crate::gödel
  _RNvC5crateu30____7hkackfecea1cbdathfdh9hlq6y
  crate::საჭმელად_გემრიელი_სადილი
  _RNvCu5_4wfar1f
  ᮍᮓᮍ::f
  _RNvC5crateu3xxx
  crate::燋
  _RNvC5crate1f.llvm.1234
  crate::f (.llvm.1234)
  _RNvC5crate1fC5other
  crate::f
  _RINvC5crate1fNtB2_3FooB4_E
  crate::f::<crate::Foo, char>
  _Z1fILi3EE
  f<3>
  _ZNSt3__29allocatorINS_7__stateIcEEE8allocateB8nn190107Em
  std::__2::allocator<std::__2::__state<char>>::allocate[abi:nn190107](unsigned long)
  _ZNSt12_Vector_baseISt4pairIccESaIS1_EE17_Vector_impl_dataC2EOS4_
  std::_Vector_base<std::pair<char, char>, std::allocator<std::pair<char, char>>>::_Vector_impl_data::_Vector_impl_data(std::_Vector_base<std::pair<char, char>, std::allocator<std::pair<char, char>>>::_Vector_impl_data&&)
  _ZNSt8__detail15_BracketMatcherINSt7__cxx1112regex_traitsIcEELb0ELb1EEC5ERKS4_
  std::__detail::_BracketMatcher<std::__cxx11::regex_traits<char>, false, true>::_BracketMatcher(std::__detail::_BracketMatcher<std::__cxx11::regex_traits<char>, false, true> const&)
  _ZNSt3__211__lookaheadIcNS_12regex_traitsIcEEED0Ev
  std::__2::__lookahead<char, std::__2::regex_traits<char>>::~__lookahead()
  _ZNSt9_Any_data9_M_accessINSt8__detail11_AnyMatcherINSt7__cxx1112regex_traitsIcEELb0ELb0ELb1EEEEERT_v
  std::__detail::_AnyMatcher<std::__cxx11::regex_traits<char>, false, false, true>& std::_Any_data::_M_access<std::__detail::_AnyMatcher<std::__cxx11::regex_traits<char>, false, false, true>>()
  _ZNSt6vectorIcSaIcEE17_S_check_init_lenEmRKS0_
  std::vector<char, std::allocator<char>>::_S_check_init_len(unsigned long, std::allocator<char> const&)
  _ZSt14__relocate_a_1IccENSt9enable_ifIXsr3std24__is_bitwise_relocatableIT_EE5valueEPS1_E4typeES2_S2_S2_RSaIT0_E
  std::enable_if<std::__is_bitwise_relocatable<char>::value, char*>::type std::__relocate_a_1<char, char>(char*, char*, char*, std::allocator<char>&)
  _ZNSt8__detail15_BracketMatcherINSt7__cxx1112regex_traitsIcEELb0ELb1EE8_M_readyEv
  std::__detail::_BracketMatcher<std::__cxx11::regex_traits<char>, false, true>::_M_ready()
  _ZNSt5dequeINSt8__detail9_StateSeqINSt7__cxx1112regex_traitsIcEEEESaIS5_EE11_S_max_sizeERKS6_
  std::deque<std::__detail::_StateSeq<std::__cxx11::regex_traits<char>>, std::allocator<std::__detail::_StateSeq<std::__cxx11::regex_traits<char>>>>::_S_max_size(std::allocator<std::__detail::_StateSeq<std::__cxx11::regex_traits<char>>> const&)
  _ZTSNSt8__detail12_CharMatcherINSt7__cxx1112regex_traitsIcEELb0ELb1EEE
  typeinfo name for std::__detail::_CharMatcher<std::__cxx11::regex_traits<char>, false, true>
  _ZNSt3__226basic_format_parse_contextIcE12check_arg_idB8nn190107Em
  std::__2::basic_format_parse_context<char>::check_arg_id[abi:nn190107](unsigned long)
  _ZN9__gnu_cxx5__ops20__iter_equal_to_iterEv
  __gnu_cxx::__ops::__iter_equal_to_iter()
  _ZSt14__relocate_a_1IPSt4pairIccES2_SaIS1_EET0_T_S5_S4_RT1_
  std::pair<char, char>* std::__relocate_a_1<std::pair<char, char>*, std::pair<char, char>*, std::allocator<std::pair<char, char>>>(std::pair<char, char>*, std::pair<char, char>*, std::pair<char, char>*, std::allocator<std::pair<char, char>>&)
  _ZNSt3__217__compressed_pairIPNS_9sub_matchIPKcEENS_9allocatorIS4_EEE5firstB8nn190107Ev
  std::__2::__compressed_pair<std::__2::sub_match<char const*>*, std::__2::allocator<std::__2::sub_match<char const*>>>::first[abi:nn190107]()
  _ZNSt8__detail9_StateSeqINSt7__cxx1112regex_traitsIcEEEC5ERNS_4_NFAIS3_EEl
  std::__detail::_StateSeq<std::__cxx11::regex_traits<char>>::_StateSeq(std::__detail::_NFA<std::__cxx11::regex_traits<char>>&, long)
  _ZNSt4pairIPSt18_Rb_tree_node_baseS1_EC2IRS1_S4_EEOT_OT0_
  std::pair<std::_Rb_tree_node_base*, std::_Rb_tree_node_base*>::pair<std::_Rb_tree_node_base*&, std::_Rb_tree_node_base*&>(std::_Rb_tree_node_base*&, std::_Rb_tree_node_base*&)
  _ZNKSt17_Rb_tree_iteratorISt4pairIKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESt6vectorIiSaIiEEEEdeEv
  std::_Rb_tree_iterator<std::pair<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char>> const, std::vector<int, std::allocator<int>>>>::operator*() const
  _ZSt8__invokeIRZ4mainEUliE4_JRiEENSt15__invoke_resultIT_JDpT0_EE4typeEOS4_DpOS5_
  std::__invoke_result<main::'lambda4'(int)&, int&>::type std::__invoke<main::'lambda4'(int)&, int&>(main::'lambda4'(int)&, int&)
  _ZNKSt8__detail10_Hash_nodeISt4pairIKiSt10unique_ptrI1ASt14default_deleteIS4_EEELb0EE7_M_nextEv
  std::__detail::_Hash_node<std::pair<int const, std::unique_ptr<A, std::default_delete<A>>>, false>::_M_next() const
  _ZNKSt3__26vectorINS_4pairIccEENS_9allocatorIS2_EEE8capacityB8nn190107Ev
  std::__2::vector<std::__2::pair<char, char>, std::__2::allocator<std::__2::pair<char, char>>>::capacity[abi:nn190107]() const
  _ZNSt3__211basic_regexIcNS_12regex_traitsIcEEE24__parse_extended_reg_expIPKcEET_S7_S7_
  char const* std::__2::basic_regex<char, std::__2::regex_traits<char>>::__parse_extended_reg_exp<char const*>(char const*, char const*)
  _ZNSt3__217__compressed_pairIPcNS_9allocatorIcEEEC2B8nn190107IDnNS_18__default_init_tagEEEOT_OT0_
  std::__2::__compressed_pair<char*, std::__2::allocator<char>>::__compressed_pair[abi:nn190107]<std::nullptr_t, std::__2::__default_init_tag>(std::nullptr_t&&, std::__2::__default_init_tag&&)
  _ZSt31is_nothrow_move_constructible_vIZ4mainEUliE4_E
  std::is_nothrow_move_constructible_v<main::'lambda4'(int)>
  _ZNSt12_Vector_baseINSt8__detail6_StateIcEESaIS2_EED5Ev
  std::_Vector_base<std::__detail::_State<char>, std::allocator<std::__detail::_State<char>>>::~_Vector_base()
  _ZNSt3__212__to_addressB8nn190107INS_4pairImPKcEEEEPT_S6_
  std::__2::pair<unsigned long, char const*>* std::__2::__to_address[abi:nn190107]<std::__2::pair<unsigned long, char const*>>(std::__2::pair<unsigned long, char const*>*)
  _ZNSt3__244__extended_grapheme_custer_property_boundary9__entriesB8nn190107E
  std::__2::__extended_grapheme_custer_property_boundary::__entries[abi:nn190107]
  _ZNKSt3__25dequeINS_7__stateIcEENS_9allocatorIS2_EEE14__annotate_newB8nn190107Em
  std::__2::deque<std::__2::__state<char>, std::__2::allocator<std::__2::__state<char>>>::__annotate_new[abi:nn190107](unsigned long) const
  _ZNSt3__26vectorINS_4pairIccEENS_9allocatorIS2_EEED2B8nn190107Ev
  std::__2::vector<std::__2::pair<char, char>, std::__2::allocator<std::__2::pair<char, char>>>::~vector[abi:nn190107]()
  _ZN9__gnu_cxx17__normal_iteratorIPKcSt6vectorIcSaIcEEEppEv
  __gnu_cxx::__normal_iterator<char const*, std::vector<char, std::allocator<char>>>::operator++()
  _ZNSt8__detail11_State_baseC1ENS_7_OpcodeE
  std::__detail::_State_base::_State_base(std::__detail::_Opcode)
  _ZNSt11_Tuple_implILm0EJP1ASt14default_deleteIS0_EEEC5Ev
  std::_Tuple_impl<0ul, A*, std::default_delete<A>>::_Tuple_impl()
  _ZNSt3__213basic_ostreamIcNS_11char_traitsIcEEE5flushEv
  std::__2::basic_ostream<char, std::__2::char_traits<char>>::flush()
  _ZNSt14_Function_base13_Base_managerIZ4mainEUlP1AdE_E10_M_managerERSt9_Any_dataRKS5_St18_Manager_operation
  std::_Function_base::_Base_manager<main::'lambda'(A*, double)>::_M_manager(std::_Any_data&, std::_Any_data const&, std::_Manager_operation)
  _ZNSaINSt7__cxx1112regex_traitsIcE10_RegexMaskEED5Ev
  std::allocator<std::__cxx11::regex_traits<char>::_RegexMask>::~allocator()
  _ZTINSt8__detail15_BracketMatcherINSt7__cxx1112regex_traitsIcEELb1ELb0EEE
  typeinfo for std::__detail::_BracketMatcher<std::__cxx11::regex_traits<char>, true, false>
  _ZSt28is_nothrow_move_assignable_vIZ4mainEUliE4_E
  std::is_nothrow_move_assignable_v<main::'lambda4'(int)>
  _ZNSt8__detail9_CompilerINSt7__cxx1112regex_traitsIcEEE13_M_quantifierEv
  std::__detail::_Compiler<std::__cxx11::regex_traits<char>>::_M_quantifier()
  _ZNSt3__212basic_stringIcNS_11char_traitsIcEENS_9allocatorIcEEE18__set_long_pointerB8nn190107EPc
  std::__2::basic_string<char, std::__2::char_traits<char>, std::__2::allocator<char>>::__set_long_pointer[abi:nn190107](char*)
  _ZNKSt8__detail11_AnyMatcherINSt7__cxx1112regex_traitsIcEELb1ELb1ELb0EE8_M_applyEcSt17integral_constantIbLb1EE
  std::__detail::_AnyMatcher<std::__cxx11::regex_traits<char>, true, true, false>::_M_apply(char, std::integral_constant<bool, true>) const
  _ZNSt8__detail8_ScannerIcE14_M_scan_normalEv
  std::__detail::_Scanner<char>::_M_scan_normal()
  _ZNSt9_Any_data9_M_accessINSt8__detail12_CharMatcherINSt7__cxx1112regex_traitsIcEELb0ELb1EEEEERT_v
  std::__detail::_CharMatcher<std::__cxx11::regex_traits<char>, false, true>& std::_Any_data::_M_access<std::__detail::_CharMatcher<std::__cxx11::regex_traits<char>, false, true>>()
  _ZNKSt3__213__format_spec23__parsed_specificationsIcE15__has_precisionB8nn190107Ev
  std::__2::__format_spec::__parsed_specifications<char>::__has_precision[abi:nn190107]() const
  _ZNKSt6ranges5views9__adaptor13_RangeAdaptorINS0_10_TransformEEclIJZ4mainEUliE4_EEEDaDpOT_
  auto std::ranges::views::__adaptor::_RangeAdaptor<std::ranges::views::_Transform>::operator()<main::'lambda4'(int)>(main::'lambda4'(int)&&) const
  _ZNSt3__26locale5__imp7installINS_14codecvt_bynameIDsDu11__mbstate_tEEEEvPT_
  void std::__2::locale::__imp::install<std::__2::codecvt_byname<char16_t, char8_t, __mbstate_t>>(std::__2::codecvt_byname<char16_t, char8_t, __mbstate_t>*)
  _ZNSt3__26locale5__imp7installINS_14codecvt_bynameIDic11__mbstate_tEEEEvPT_
  void std::__2::locale::__imp::install<std::__2::codecvt_byname<char32_t, char, __mbstate_t>>(std::__2::codecvt_byname<char32_t, char, __mbstate_t>*)
  _ZNSt3__213basic_ostreamIcNS_11char_traitsIcEEE5writeEPKcl
  std::__2::basic_ostream<char, std::__2::char_traits<char>>::write(char const*, long)
  _ZNK12_GLOBAL__N_116itanium_demangle24ForwardTemplateReference13getSyntaxNodeERNS0_12OutputBufferE
  (anonymous namespace)::itanium_demangle::ForwardTemplateReference::getSyntaxNode((anonymous namespace)::itanium_demangle::OutputBuffer&) const
  _ZNK12_GLOBAL__N_116itanium_demangle27ExpandedSpecialSubstitution9printLeftERNS0_12OutputBufferE
  (anonymous namespace)::itanium_demangle::ExpandedSpecialSubstitution::printLeft((anonymous namespace)::itanium_demangle::OutputBuffer&) const
  _ZGVZNKSt3__220__time_get_c_storageIcE3__xEvE1s
  guard variable for std::__2::__time_get_c_storage<char>::__x() const::s
  _ZTVN12_GLOBAL__N_116itanium_demangle8BoolExprE
  vtable for (anonymous namespace)::itanium_demangle::BoolExpr
  _ZGVZNKSt3__220__time_get_c_storageIwE3__xEvE1s
  guard variable for std::__2::__time_get_c_storage<wchar_t>::__x() const::s
  _ZNKSt3__215__codecvt_utf16IDiLb0EE13do_max_lengthEv
  std::__2::__codecvt_utf16<char32_t, false>::do_max_length() const
  _ZTSN12_GLOBAL__N_116itanium_demangle12ModuleEntityE
  typeinfo name for (anonymous namespace)::itanium_demangle::ModuleEntity
  _ZNKSt3__215__codecvt_utf16IDsLb0EE11do_encodingEv
  std::__2::__codecvt_utf16<char16_t, false>::do_encoding() const
  _ZNKSt3__210moneypunctIwLb0EE14do_frac_digitsEv
  std::__2::moneypunct<wchar_t, false>::do_frac_digits() const
  _ZTVN12_GLOBAL__N_116itanium_demangle8CastExprE
  vtable for (anonymous namespace)::itanium_demangle::CastExpr
  _ZNKSt3__210moneypunctIwLb0EE16do_decimal_pointEv
  std::__2::moneypunct<wchar_t, false>::do_decimal_point() const
  _ZNKSt3__27codecvtIDsDu11__mbstate_tE10do_unshiftERS1_PDuS4_RS4_
  std::__2::codecvt<char16_t, char8_t, __mbstate_t>::do_unshift(__mbstate_t&, char8_t*, char8_t*, char8_t*&) const
  _ZN4core3str5lossy9Utf8Lossy10from_bytes17hd91bbf4a6706020eE
  core::str::lossy::Utf8Lossy::from_bytes::hd91bbf4a6706020e
  _ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h3dcc1af720a3a1e5E
  _$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$::fmt::h3dcc1af720a3a1e5
  _ZN61_$LT$core..num..diy_float..Fp$u20$as$u20$core..fmt..Debug$GT$3fmt17h9a89a9426210a0edE
  _$LT$core..num..diy_float..Fp$u20$as$u20$core..fmt..Debug$GT$::fmt::h9a89a9426210a0ed
  _ZN81_$LT$std..io..buffered..bufwriter..WriterPanicked$u20$as$u20$core..fmt..Debug$GT$3fmt17h021bd68d0e1996e7E
  _$LT$std..io..buffered..bufwriter..WriterPanicked$u20$as$u20$core..fmt..Debug$GT$::fmt::h021bd68d0e1996e7
  _ZN6memchr6memmem9rabinkarp10rfind_with17h37caf7816feee06eE
  memchr::memmem::rabinkarp::rfind_with::h37caf7816feee06e
  _ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h5c3472e4e17ea0dbE
  _$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$::fmt::h5c3472e4e17ea0db
  _ZN3std7process5Child4wait17hdfa0f9291e7af967E
  std::process::Child::wait::hdfa0f9291e7af967
  _ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h2b83e283842c6f86E
  _$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$::fmt::h2b83e283842c6f86
  _ZN4wasi13lib_generated22wasi_snapshot_preview119fd_prestat_dir_name17h17f62f3c4d39e25fE
  wasi::lib_generated::wasi_snapshot_preview1::fd_prestat_dir_name::h17f62f3c4d39e25f
  _ZN4core3ptr27drop_in_place$LT$$RF$u8$GT$17h3d780b9102018ec1E.llvm.7581392014708969577
  core::ptr::drop_in_place$LT$$RF$u8$GT$::h3d780b9102018ec1 (.llvm.7581392014708969577)
  _ZN10proc_macro6bridge6client11BridgeState4with17h692f3124be001604E
  proc_macro::bridge::client::BridgeState::with::h692f3124be001604
  _ZN4core6option19Option$LT$$RF$T$GT$6cloned17hc0f94dcfbc42821aE
  core::option::Option$LT$$RF$T$GT$::cloned::hc0f94dcfbc42821a
  _ZZ1gvENKUlTnivE_clILi1EEEDav
  auto g()::'lambda'<int $N>()::operator()<1>() const
  _ZZ1gvENKUlTtTyEvE_clI1AEEDav
  auto g()::'lambda'<template<typename $T> typename $TT>()::operator()<A>() const
  _ZZ1gvENKUlTpTyDpT_E_clIJiEEEDav
  auto g()::'lambda'<typename ...$T>($T...)::operator()<int>() const
  _ZZ1gvENKUlTnPA3_ivE_clILi1EEEDav
  auto g()::'lambda'<int (*$N) [3]>()::operator()<1>() const
  _ZZ1gvENKUlTtTyQ1CEvE_clI1AEEDav
  auto g()::'lambda'<template<typename $T> typename $TT requires C>()::operator()<A>() const
  _ZW3modW3sub1fv
  f@mod.sub()
  _Z1fIiEDTsrDtfp_E1xET_
  decltype(decltype(fp)::x) f<int>(int)
  _ZN1AcvRT_IRiEEv
  A::operator int&<int&>()
  _ZN1AcvOT_IRA3_iEEv
  A::operator int (&) [3]<int (&) [3]>()
  _Z1fIJPFvvEEEvDpRT_
  void f<void (*)()>(void (*&)())
  _Z1fIJA3_iRiEEvDpRKT_
  void f<int [3], int&>(int const (&) [3], int& const&)
  _Z1fILe00000000000000000000EEvv
  void f<0x0p+0L>()
  _ZZ1fvEUb_
  f()::'block-literal'
  _Z1fW3mod1AN1BS_1CE
  f(A@mod, B::C@mod)
  _RNvC5crateu6x_iv3s
  crate::😀x
  _RNvC5crateu39n8j7cfx6h316ueiaq7j5pw63y1dddy1me8bt73d
  crate::日本語の識別子とても長い名前
  _RINvC5crate1fKj2a_KBc_E
  crate::f::<42, 42>
  _RINvC5crate1fFGr_RL0_RLr_llllllllllllllllllEuE
  crate::f::<for<'a, 'b, 'c, 'd, 'e, 'f, 'g, 'h, 'i, 'j, 'k, 'l, 'm, 'n, 'o, 'p, 'q, 'r, 's, 't, 'u, 'v, 'w, 'x, 'y, 'z, 'z1, 'z2, 'z3> fn(&'z3 &'b i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32)>
  _Z1fIiEvT_QrQi_XplfL0p_fL0p_E
  void f<int>(int) requires requires (int) { fp + fp; }
  """#

/// Names that it leaves alone, mostly because they break a rule.
let unmangledNames = #"""
  _ZW3modW3subP1f
  _Z1fIZ1gvEUlTyTnT_TpTyE_EvS0_
  _Z1fIZ1gvEUlTtTyETyE_EvS0_
  _Z1fIZ1gvEUlT_QfpE_EvS0_
  _ZN1AcvT_IRT_EEv
  _ZN1ApmEi
  _Z1fIiEDTngntcopsadefp_ET_
  _Z1fIiEDTsr1AIT_E1xET_
  _Z1fIiEDTrqXfp_ETT_EET_
  _Z1fITnTyiLi1EEvv
  _Z1fIiEvT_QrQS0__XplfL0p_fL0p_EE
  _RNvNtNtC3std2io5stdio6_print
  _RINvC5crate1fKc61_Kc27_Ka_Kc1f600_Kc5c_KcA_E
  _RINvC5crate1fFKs_E
  _RINvC5crate1fDG_NtC4core4SendNtB7_4SyncEL_E
  _RC
  _R
  _Z
  _ZN
  _Z1
  _Z3fo
  _Z1fS_
  _Z1fT_
  _Z1fIiEvT0_
  _ZN1AE1fEv
  _Z1fP
  _Z1fILf3f80000EEvv
  _Z1fILf3F800000EEvv
  main
  foo
  _foo
  .
  _
  """#
