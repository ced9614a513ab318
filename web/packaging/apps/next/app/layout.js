import { Shop } from './shop.js';

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <Shop>{children}</Shop>
      </body>
    </html>
  );
}
