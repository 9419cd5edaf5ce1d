using System; // class NotThis {}

namespace Bank.Vaults
{
    using Money = System.Decimal;

    /// <summary>A vault. void NotThis() {}</summary>
    [Serializable]
    public class Vault<T> : Room
    {
        private int count, limit = 3;
        private Func<int, int> twice = one => one * 2;
        public event Action Opened;

        public string Name { get; set; }

        public int Total
        {
            get { return count; }
        }

        public Vault(int limit)
        {
            this.limit = limit;
        }

        ~Vault() {}

        // One of two.
        [Obsolete("class Text {}")]
        public void Lock(int code)
        {
            int Check(int digit) => digit;
            Func<int, int> turn = by => by + 1;
        }

        public void Lock(string word) => Lock(word.Length);

        public static Vault<T> operator +(Vault<T> a, Vault<T> b) => a;
        public static explicit operator int(Vault<T> a) => 1;
        public int this[int place] => place;

        private enum State { Open, Shut }

        private struct Box
        {
            public void Fill() {}
        }
    }

    public interface IKey
    {
        void Turn();
    }

    public record Coin(int Worth);
    public delegate void Alarm(string why);
}

class Torn
{
    void Fine() {}
    void Broken(int {
}

class After
{
    void Fine() {}
}
